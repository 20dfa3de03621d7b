import ScoreTools

@main
enum ScoreSample {
  static func main() { SampleCommand<StandardTools>.main() }
}
