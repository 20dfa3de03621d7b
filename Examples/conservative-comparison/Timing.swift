import Foundation
import ScoreKit

func timing(_ model: any ScoreModel, _ process: any DiffusionProcess, _ data: any TrainingData, _ points: Int) throws {
  var c = JacobianSymmetry(of: model, process: process, data: data, pointCount: points)
  let p = [Tensor.flatten(model.parameters().map { $0.value.detached() })]
  try c.prepare(step: 1, at: p)
  func time(_ name: String, _ f: () throws -> Void) rethrows {
    try f()
    let n = 5
    let s = cpu()
    for _ in 0..<n { try f() }
    print(points, name, String(format: "%.2f ms", (cpu() - s) * 1e3 / Double(n)))
  }
  try time("residual") { _ = try c.residual(at: p) }
  try time("residual, recorded") { _ = try c.linearization(at: p) }
  let l = try c.linearization(at: p)
  let x = Tensor.ones([l.jacobian.columns])
  let y = Tensor.ones([l.jacobian.rows])
  try time("adjoint") { _ = try l.jacobian.applyAdjoint(y) }
  try time("first product") { _ = try c.linearization(at: p).jacobian.apply(x) }
  _ = try l.jacobian.apply(x)
  try time("product") { _ = try l.jacobian.apply(x) }
}
