// swift-tools-version: 6.2
import PackageDescription

// Tools of one's own: every option of ScoreKit's, with a model, a process, an objective, data and a sampler besides.
// In a package of your own, name the folder of your ScoreKit here.
let scoreKit = Context.environment["SCOREKIT"] ?? "../.."

let package = Package(
  name: "own-tools",
  platforms: [.macOS(.v14)],
  dependencies: [
    .package(name: "ScoreKit", path: scoreKit),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
  ],
  targets: [
    .target(
      name: "MyTools",
      dependencies: [
        .product(name: "ScoreKit", package: "ScoreKit"), .product(name: "ScoreTools", package: "ScoreKit"),
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .executableTarget(name: "my-train", dependencies: ["MyTools"]),
    .executableTarget(name: "my-sample", dependencies: ["MyTools"]),
    .executableTarget(name: "my-evaluate", dependencies: ["MyTools"]),
  ])
