/// A rule that chooses the damping of an ill-posed problem from the data.
public enum DampingRule: Sendable, Equatable {
  /// Minimises G(δ) = ‖b − A·x_δ‖²/(m − Σ σᵢ²/(σᵢ² + δ²))², an estimate of the error of predicting a left-out element of b.
  ///
  /// The noise in the elements of b must be independent and of equal variance. The variance need not be known.
  /// G. H. Golub, M. Heath & G. Wahba (1979), *Generalized cross-validation as a method for choosing a good ridge parameter*.
  case generalizedCrossValidation

  /// Makes ‖b − A·x_δ‖ equal to the norm of the noise in b, which must be known.
  ///
  /// V. A. Morozov (1966), *On the solution of functional equations by the method of regularization*.
  case discrepancy(noiseNorm: Double)
}
