import MyTools
import ScoreTools

@main
enum MyEvaluate {
  static func main() { EvaluateCommand<Mine>.main() }
}
