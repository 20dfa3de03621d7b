public import Testing
internal import Torch

/// Expects a closure to release every tensor that it makes, the record of operations included.
///
/// Handles are counted for the thread that runs the closure, so tests on other threads do not disturb it, and the closure
/// must not hand tensors to other threads. It runs twice and the second run is measured: what is made once and kept, such
/// as a global constant, is no leak.
public func expectNoLeaks(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) rethrows {
  try body()
  let before = Engine.liveHandlesOfThread
  try body()
  let leaked = Engine.liveHandlesOfThread - before
  if leaked != 0 {
    Issue.record("\(leaked) tensors outlived the closure that made them", sourceLocation: sourceLocation)
  }
}
