// swift-tools-version: 6.2
import Foundation
import PackageDescription

// libtorch is looked for in $LIBTORCH (an unpacked libtorch, or the `torch` folder of an installed PyTorch), else in
// `.libtorch/torch`, where `scripts/bootstrap` puts it.
let libtorch =
  Context.environment["LIBTORCH"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(Context.packageDirectory)/.libtorch/torch"

let torchCXX: [CXXSetting] = [
  .unsafeFlags([
    "-isystem", "\(libtorch)/include", "-isystem", "\(libtorch)/include/torch/csrc/api/include",
    "-Wall", "-Wextra", "-Wno-unused-parameter",
  ])
]
let torchLink: [LinkerSetting] = [
  .unsafeFlags([
    "-L\(libtorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "\(libtorch)/lib",
  ]),
  .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
]
let swift: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
]
// With SCOREKIT_FUZZ, the readers are instrumented for scripts/fuzz, and there is a program that feeds them.
let isFuzzing = Context.environment["SCOREKIT_FUZZ"] != nil
let reading: [SwiftSetting] =
  swift
  + (isFuzzing
    ? [
      .unsafeFlags([
        "-sanitize=address", "-sanitize-coverage=edge,indirect-calls,trace-cmp,inline-8bit-counters,pc-table",
      ])
    ] : [])
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "ScoreKit",
  platforms: [.macOS(.v14)],
  products: [
    .library(name: "ScoreKit", targets: ["ScoreKit"]),
    .library(name: "Torch", targets: ["Torch"]),
    .library(name: "LeastSquares", targets: ["LeastSquares"]),
    .library(name: "Imaging", targets: ["Imaging"]),
    .library(name: "ScoreTools", targets: ["ScoreTools"]),
    .library(name: "ScoreTestSupport", targets: ["ScoreTestSupport"]),
    .executable(name: "score-train", targets: ["score-train"]),
    .executable(name: "score-sample", targets: ["score-sample"]),
    .executable(name: "score-evaluate", targets: ["score-evaluate"]),
    .executable(name: "score-export", targets: ["score-export"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.30.0"),
    // Only for `swift package generate-documentation`; packages that depend on this one do not fetch it.
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
  ],
  targets: [
    // Files and system libraries
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CFreeType", pkgConfig: "freetype2", providers: [.apt(["libfreetype-dev"]), .brew(["freetype"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CFiles"),
    .target(name: "Files", dependencies: ["CFiles", "CZlib"], swiftSettings: reading),
    // Engine
    .target(name: "CTorch", cxxSettings: torchCXX, linkerSettings: torchLink),
    .target(name: "Torch", dependencies: ["CTorch", "Files"], swiftSettings: reading),
    // Numerics
    .target(name: "LeastSquares", dependencies: ["Torch", "Files"], swiftSettings: swift),
    .target(name: "ScoreModels", dependencies: ["Torch", "Files"], swiftSettings: reading),
    .target(name: "Checkpoints", dependencies: ["ScoreModels", "Torch", "Files"], swiftSettings: reading),
    .target(name: "Samplers", dependencies: ["ScoreModels", "Torch", "Files"], path: "Samplers", swiftSettings: swift),
    .target(name: "ScoreMetrics", dependencies: ["Samplers", "ScoreModels", "Torch", "Files"], swiftSettings: swift),
    .target(
      name: "ScoreTraining", dependencies: ["LeastSquares", "ScoreMetrics", "ScoreModels", "Torch", "Files"],
      swiftSettings: swift),
    // Data and pictures
    .target(name: "Imaging", dependencies: ["CPNG", "Files"], swiftSettings: reading),
    // The font of plots, as a part of every program; its pictures need no file.
    .target(
      name: "CDejaVu", exclude: ["README.md", "LICENSE.txt", "include/DejaVuSans.ttf"]),
    .target(name: "Plotting", dependencies: ["Imaging", "Files", "CFreeType", "CDejaVu"], swiftSettings: swift),
    .target(
      name: "Datasets", dependencies: ["Torch", "Imaging", "Files"],
      resources: [.copy("Resources/digits.csv.gz"), .copy("Resources/digits-attribution.txt")], swiftSettings: reading),
    .target(
      name: "EventFiles", dependencies: ["Files", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
      exclude: ["event.proto"], swiftSettings: swift),
    // Runs, and everything under one name
    .target(
      name: "ScoreRuns",
      dependencies: [
        "Checkpoints", "Datasets", "EventFiles", "Files", "Imaging", "Plotting", "Samplers", "ScoreMetrics",
        "ScoreModels", "ScoreTraining", "Torch",
      ],
      swiftSettings: swift),
    .target(
      name: "ScoreKit",
      dependencies: [
        "Checkpoints", "Datasets", "Files", "Imaging", "LeastSquares", "Plotting", "Samplers", "ScoreMetrics",
        "ScoreModels", "ScoreRuns", "ScoreTraining", "Torch",
      ],
      swiftSettings: swift),
    // The laws of the protocols, for tests
    .target(
      name: "ScoreTestSupport",
      dependencies: ["Files", "LeastSquares", "Samplers", "ScoreModels", "ScoreTraining", "Torch"],
      swiftSettings: swift),
    // Tools
    .target(name: "CommandLineSupport", dependencies: ["ScoreKit", "CFiles", argumentParser], swiftSettings: swift),
    .target(
      name: "ScoreTools", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser], swiftSettings: swift),
    .executableTarget(name: "score-train", dependencies: ["ScoreTools"], swiftSettings: swift),
    .executableTarget(name: "score-sample", dependencies: ["ScoreTools"], swiftSettings: swift),
    .executableTarget(name: "score-evaluate", dependencies: ["ScoreTools"], swiftSettings: swift),
    .executableTarget(name: "score-export", dependencies: ["ScoreTools"], swiftSettings: swift),
    .executableTarget(
      name: "custom-score-model", dependencies: ["ScoreKit"], path: "Examples/custom-score-model",
      swiftSettings: swift),
    .executableTarget(
      name: "least-squares-layer", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/least-squares-layer", swiftSettings: swift),
    .executableTarget(
      name: "gaussian-process", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/gaussian-process",
      resources: [.copy("Resources/co2.csv"), .copy("Resources/co2-attribution.txt")], swiftSettings: swift),
    .executableTarget(
      name: "sparse-score-model", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/sparse-score-model", swiftSettings: swift),
    .executableTarget(
      name: "conservative-comparison", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/conservative-comparison", swiftSettings: swift),
    .executableTarget(
      name: "class-conditional", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/class-conditional", swiftSettings: swift),
    .executableTarget(
      name: "periodic-regression", dependencies: ["ScoreKit", "CommandLineSupport", argumentParser],
      path: "Examples/periodic-regression", swiftSettings: swift),
    // The package Examples/own-tools, here too so that the tests have its programs
    .target(
      name: "MyTools", dependencies: ["ScoreKit", "ScoreTools", argumentParser],
      path: "Examples/own-tools/Sources/MyTools", swiftSettings: swift),
    .executableTarget(name: "my-train", dependencies: ["MyTools"], path: "Examples/own-tools/Sources/my-train"),
    .executableTarget(name: "my-sample", dependencies: ["MyTools"], path: "Examples/own-tools/Sources/my-sample"),
    .executableTarget(name: "my-evaluate", dependencies: ["MyTools"], path: "Examples/own-tools/Sources/my-evaluate"),
    .systemLibrary(name: "CHeap", path: "Benchmarks/CHeap"),
    .executableTarget(
      name: "Benchmarks", dependencies: ["ScoreKit", "CommandLineSupport", "CHeap", argumentParser], path: "Benchmarks",
      exclude: ["CHeap", "peers", "README.md"], swiftSettings: swift),
    // Tests
    .target(
      name: "TestSupport", dependencies: ["ScoreTestSupport", "ScoreModels", "Torch"], path: "Tests/TestSupport",
      swiftSettings: swift),
    // Optimised in every build, as the programs of users are.
    .executableTarget(
      name: "mistakes", dependencies: ["ScoreKit"], path: "Tests/Mistakes",
      swiftSettings: swift + [.unsafeFlags(["-O"])]),
    .testTarget(name: "HouseTests", dependencies: ["TestSupport"], swiftSettings: swift),
    .testTarget(name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: swift),
    .testTarget(name: "ScoreTestSupportTests", dependencies: ["ScoreKit", "ScoreTestSupport"], swiftSettings: swift),
    .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"], swiftSettings: swift),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "Files", "TestSupport"], swiftSettings: swift),
    .testTarget(
      name: "LeastSquaresTests", dependencies: ["LeastSquares", "TestSupport"], resources: [.copy("Golden")],
      swiftSettings: swift),
    .testTarget(
      name: "ScoreModelsTests", dependencies: ["ScoreModels", "ScoreMetrics", "TestSupport"], swiftSettings: swift),
    .testTarget(
      name: "CheckpointsTests", dependencies: ["Checkpoints", "ScoreModels", "Files", "TestSupport"],
      resources: [.copy("Golden")], swiftSettings: swift),
    .testTarget(
      name: "SamplersTests", dependencies: ["Samplers", "ScoreModels", "TestSupport"], resources: [.copy("Golden")],
      swiftSettings: swift),
    .testTarget(
      name: "ScoreMetricsTests", dependencies: ["ScoreMetrics", "Samplers", "ScoreModels", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "ScoreTrainingTests",
      dependencies: ["ScoreTraining", "ScoreMetrics", "ScoreModels", "LeastSquares", "TestSupport"],
      swiftSettings: swift),
    .testTarget(name: "ImagingTests", dependencies: ["Imaging", "Files", "CZlib"], swiftSettings: swift),
    .testTarget(name: "PlottingTests", dependencies: ["Plotting", "Imaging"], swiftSettings: swift),
    .testTarget(
      name: "DatasetsTests", dependencies: ["Datasets", "Files", "Imaging", "Torch", "TestSupport", "CZlib"],
      swiftSettings: swift),
    .testTarget(
      name: "EventFilesTests", dependencies: ["EventFiles", "Files"], exclude: ["Golden"], swiftSettings: swift),
    .testTarget(
      name: "ScoreRunsTests", dependencies: ["ScoreKit", "ScoreRuns", "TestSupport"], resources: [.copy("Golden")],
      swiftSettings: swift),
    .testTarget(name: "ScoreKitTests", dependencies: ["ScoreKit", "TestSupport", "mistakes"], swiftSettings: swift),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "ScoreKit", "ScoreTools", "CommandLineSupport", "Imaging", "score-train", "score-sample", "score-evaluate",
        "score-export",
        "my-train", "my-sample", "my-evaluate", "TestSupport",
      ],
      swiftSettings: swift),
    // Tests of examples
    .testTarget(
      name: "LeastSquaresLayerTests", dependencies: ["least-squares-layer", "ScoreKit", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "ExampleTests",
      dependencies: ["gaussian-process", "periodic-regression", "ScoreKit", "LeastSquares", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "SparseScoreModelTests", dependencies: ["sparse-score-model", "ScoreKit", "TestSupport"],
      swiftSettings: swift),
    .testTarget(
      name: "ConservativeComparisonTests", dependencies: ["conservative-comparison", "ScoreKit", "TestSupport"],
      swiftSettings: swift),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx20
)

if isFuzzing {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["ScoreKit", "ScoreModels", "Datasets", "Imaging", "Torch", "CZlib"], path: "Fuzzing",
      exclude: ["seeds.py"], swiftSettings: reading,
      linkerSettings: [
        .unsafeFlags(["-Xlinker", Context.environment["SCOREKIT_FUZZ"] ?? ""]), .linkedLibrary("stdc++"),
      ]))
}
