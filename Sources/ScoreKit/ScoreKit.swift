// The umbrella: `import ScoreKit` brings everything that a program with score models needs.
@_exported public import Checkpoints
@_exported public import Datasets
@_exported public import Files
@_exported public import Imaging
@_exported public import LeastSquares
@_exported public import Plotting
@_exported public import Samplers
@_exported public import ScoreMetrics
@_exported public import ScoreModels
@_exported public import ScoreRuns
@_exported public import ScoreTraining
@_exported public import Torch
