import MyTools
import ScoreTools

@main
enum MySample {
  static func main() { SampleCommand<Mine>.main() }
}
