import ScoreTools

@main
enum ScoreEvaluate {
  static func main() { EvaluateCommand<StandardTools>.main() }
}
