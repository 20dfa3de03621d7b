public import ScoreModels
public import Torch

/// ‖θₖ‖ = rₖ for some of the parameters: each keeps its Euclidean norm.
///
/// To first order, that is: a step Δ along the sphere leaves it by about ‖Δ‖²/2rₖ, of which the next steps take the fraction γ away.
///
/// The gradients of different parameters' norms do not overlap, so that A·M·Aᵀ is diagonal and the projection has a closed form:
/// Δθₖ′ = Δθₖ − Mₖ·aₖ·(⟨aₖ, Δθₖ⟩ + γ·cₖ)/⟨aₖ, Mₖ·aₖ⟩ with aₖ = θₖ/‖θₖ‖.
public struct FixedNorm: Constraint {
  private let shapes: [[Int]]
  private let norms: [Double?]

  /// Makes a constraint on parameters of given shapes.
  ///
  /// - Parameter norms: rₖ for each; `nil` for one that is free.
  /// - Precondition: there is a norm for each shape, and it is positive.
  public init(_ norms: [Double?], shapes: [[Int]]) {
    precondition(norms.count == shapes.count, "\(norms.count) norms do not belong to \(shapes.count) parameters")
    precondition(norms.allSatisfy { $0 ?? 1 > 0 }, "norms must be positive, not \(norms)")
    precondition(norms.contains { $0 != nil }, "no parameter's norm is fixed")
    self.norms = norms
    self.shapes = shapes
  }

  /// Keeps the norms that a model's parameters have now.
  ///
  /// - Parameter isFixed: which of them; by default those of two dimensions or more that are not 0: matrices and kernels, but not
  ///   biases and factors.
  public init(
    of model: any Module, where isFixed: (NamedParameter) -> Bool = { $0.parameter.shape.count >= 2 }
  ) {
    let named = model.namedParameters()
    self.init(
      named.map { entry in
        let norm = withoutGradients { entry.parameter.value.norm() }
        return isFixed(entry) && norm > 0 ? norm : nil
      }, shapes: named.map(\.parameter.shape))
  }

  /// ‖θₖ‖ − rₖ for each that is fixed.
  ///
  /// - Throws: `ConstraintError` for parameters of other shapes.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    let residuals = zip(try parts(of: parameters), norms).compactMap { part, norm in
      norm.map { part.square().sum().sqrt() - $0 }
    }
    return .stack(residuals, along: 0)
  }

  /// The closed form.
  public func projection(
    of update: [Tensor], at parameters: [Tensor], preconditioner: () -> [Tensor]?, correctionRate: Double
  ) throws -> ConstraintProjection? {
    let (values, steps) = (try parts(of: parameters), try parts(of: update))
    let metric = try preconditioner().map(parts)
    var (constraint, projected) = (0.0, steps)
    for (k, norm) in norms.enumerated() {
      guard let norm else { continue }
      let length = values[k].norm()
      guard length > 0 else { throw ConstraintError("parameter \(k) is 0, where its norm has no gradient") }
      let direction = values[k] / length
      let violation = length - norm
      let scaled = metric.map { $0[k] * direction } ?? direction
      let excess = direction.dot(steps[k]).item() + correctionRate * violation
      projected[k] = steps[k] - scaled * (excess / direction.dot(scaled).item())
      constraint += violation * violation
    }
    // What rounding has left.
    let residuals = norms.enumerated().compactMap { k, norm in
      norm.map { norm -> Double in
        let length = values[k].norm()
        return values[k].dot(projected[k]).item() / length + correctionRate * (length - norm)
      }
    }
    let result = Tensor.flatten(projected)
    return ConstraintProjection(
      update: update.parts(of: result), constraintNorm: constraint.squareRoot(),
      residualNorm: residuals.reduce(0) { $0 + $1 * $1 }.squareRoot())
  }

  /// Averages of norm rₖ: an average of vectors on a sphere is inside it.
  public func imposed(on average: [Tensor]) throws -> [Tensor]? {
    let scaled = zip(try parts(of: average), norms).map { part, norm in
      let length = part.norm()
      return norm.map { length > 0 ? part * ($0 / length) : part } ?? part
    }
    return average.parts(of: .flatten(scaled))
  }

  private func parts(of parameters: [Tensor]) throws -> [Tensor] {
    if parameters.map(\.shape) == shapes { return parameters }
    let count = shapes.reduce(0) { $0 + $1.reduce(1, *) }
    guard parameters.count == 1, parameters[0].shape == [count] else {
      throw ConstraintError(
        "norms are fixed of parameters of shapes \(shapes), and these have the shapes \(parameters.map(\.shape))")
    }
    var start = 0
    return shapes.map { shape in
      let length = shape.reduce(1, *)
      defer { start += length }
      return parameters[0].slicing(start, start + length, along: 0).reshaped(shape)
    }
  }
}
