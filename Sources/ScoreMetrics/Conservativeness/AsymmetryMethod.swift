/// How the asymmetry of a Jacobian is measured.
public enum AsymmetryMethod: Hashable, Sendable {
  /// `exact` for examples of up to 16 elements, `probes(4)` for larger ones at about the cost of 16 elements.
  case automatic
  /// The whole Jacobian at each point: D backward passes for a batch, where D is the number of numbers in an example,
  /// and memory for batchSize·D² numbers.
  case exact
  /// K random sign vectors v at each point: ½‖(J − Jᵀ)·v‖² has the mean ½‖J − Jᵀ‖²_F, and ½(‖J·v‖² + ‖Jᵀ·v‖²) the mean
  /// ‖J‖²_F (Hutchinson 1990). Costs about 2K + 1 backward passes for a batch; half of them go through another backward
  /// pass.
  case probes(Int)

  /// The number of probes for examples of D elements; `nil` if the whole Jacobian is formed.
  func probeCount(dimension: Int) -> Int? {
    switch self {
    case .automatic: dimension <= 16 ? nil : 4
    case .exact: nil
    case .probes(let count): count
    }
  }
}
