import ScoreTools

@main
enum ScoreTrain {
  static func main() { TrainCommand<StandardTools>.main() }
}
