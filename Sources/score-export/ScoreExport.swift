import ScoreTools

@main
enum ScoreExport {
  static func main() { ExportCommand<StandardTools>.main() }
}
