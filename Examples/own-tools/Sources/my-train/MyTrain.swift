import MyTools
import ScoreTools

@main
enum MyTrain {
  static func main() { TrainCommand<Mine>.main() }
}
