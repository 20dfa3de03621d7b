internal import Files
public import ScoreModels
public import Torch

/// ‖θₖ‖ = rₖ: some of the parameters keep their Euclidean norms.
///
/// The norms are kept to first order. A step Δ along the sphere leaves it by about ‖Δ‖²/2rₖ, and each later step takes the fraction γ
/// of that away.
///
/// Each equation contains one parameter, so that A·M·Aᵀ is diagonal and the projection has a closed form:
/// Δθₖ′ = Δθₖ − Mₖ·aₖ·(⟨aₖ, Δθₖ⟩ + γ·cₖ)/⟨aₖ, Mₖ·aₖ⟩ with aₖ = θₖ/‖θₖ‖.
///
/// - Cost: a few passes through the parameters in each step.
public struct FixedNorm: Constraint {
  private let shapes: [[Int]]
  private let norms: [Double?]

  /// Makes a constraint on parameters of given shapes.
  ///
  /// - Parameters:
  ///   - norms: rₖ for each parameter; `nil` leaves a parameter free.
  ///   - shapes: the shapes of all parameters, in their order.
  /// - Precondition: there are as many norms as shapes, they are positive, and one at least is not `nil`.
  public init(_ norms: [Double?], shapes: [[Int]]) {
    demand(norms.count == shapes.count, "\(norms.count) norms do not belong to \(shapes.count) parameters")
    demand(norms.allSatisfy { $0 ?? 1 > 0 }, "norms must be positive, not \(norms)")
    demand(norms.contains { $0 != nil }, "no parameter's norm is fixed")
    self.norms = norms
    self.shapes = shapes
  }

  /// Keeps the present norms of a model's parameters.
  ///
  /// - Parameters:
  ///   - model: the model that the optimizer trains.
  ///   - isFixed: which parameters keep their norms, unless they are 0; by default those of two dimensions or more.
  public init(
    of model: any Module, where isFixed: (NamedParameter) -> Bool = { $0.isWeight }
  ) {
    let named = model.namedParameters()
    self.init(
      named.map { entry in
        let norm = withoutGradients { entry.parameter.value.norm() }
        return isFixed(entry) && norm > 0 ? norm : nil
      }, shapes: named.map(\.parameter.shape))
  }

  /// ‖θₖ‖ − rₖ for each fixed norm, a vector.
  ///
  /// - Throws: `ConstraintError` for parameters of other shapes.
  public func residual(at parameters: [Tensor]) throws -> Tensor {
    let residuals = zip(try parts(of: parameters), norms).compactMap { part, norm in
      norm.map { part.square().sum().sqrt() - $0 }
    }
    return .stack(residuals, along: 0)
  }

  /// The closed form.
  ///
  /// - Throws: `ConstraintError` for parameters of other shapes, and for a parameter that is 0, where its norm has no gradient.
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
    // The residuals are not exactly 0 because of rounding.
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

  /// The average with each norm scaled to rₖ, because the average of vectors on a sphere lies inside it.
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
