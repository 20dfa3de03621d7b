public import Testing
public import Torch

/// Expects two linear maps to be each other's adjoint: ⟨A v, w⟩ = ⟨v, Aᵀ w⟩ for random v and w.
///
/// The products may differ by 10·√ε of ‖A v‖·‖w‖ + ‖v‖·‖Aᵀ w‖; relative to the products themselves, which can be near
/// zero by chance, the law would ask too much.
///
/// - Parameters:
///   - apply: v ↦ A v.
///   - applyAdjoint: w ↦ Aᵀ w.
///   - domain: the shape of v.
///   - codomain: the shape of A v.
///   - dtype: the element type of v and w.
///   - seed: the seed of random directions.
///   - sourceLocation: where failures are reported; by default at the call.
public func expectAdjoint(
  _ apply: (Tensor) throws -> Tensor, _ applyAdjoint: (Tensor) throws -> Tensor, from domain: [Int],
  to codomain: [Int], dtype: DType = .float64, seed: UInt64 = 0, sourceLocation: SourceLocation = #_sourceLocation
) {
  if let complaint = adjointComplaint(apply, applyAdjoint, from: domain, to: codomain, dtype: dtype, seed: seed) {
    Issue.record(Comment(rawValue: complaint), sourceLocation: sourceLocation)
  }
}

/// Why two maps are not each other's adjoint, in one sentence; nil if they are.
func adjointComplaint(
  _ apply: (Tensor) throws -> Tensor, _ applyAdjoint: (Tensor) throws -> Tensor, from domain: [Int],
  to codomain: [Int], dtype: DType, seed: UInt64 = 0
) -> String? {
  var random = RandomGenerator(seed: seed, purpose: .probes)
  do {
    for _ in 0..<3 {
      let v = random.normal(domain, dtype: dtype)
      let w = random.normal(codomain, dtype: dtype)
      let image = try apply(v)
      let adjointImage = try applyAdjoint(w)
      guard image.shape == codomain, adjointImage.shape == domain else {
        return "A maps \(domain) to \(image.shape) and its adjoint \(codomain) to \(adjointImage.shape)"
      }
      let left = image.to(.float64).dot(w.to(.float64)).item()
      let right = v.to(.float64).dot(adjointImage.to(.float64)).item()
      let scale = image.norm() * w.norm() + v.norm() * adjointImage.norm()
      // Written so that NaN fails.
      guard (left - right).magnitude <= defaultTolerance(dtype, dtype) * scale else {
        return "⟨Av, w⟩ = \(left) but ⟨v, Aᵀw⟩ = \(right)"
      }
    }
  } catch {
    return "a product failed: \(error)"
  }
  return nil
}
