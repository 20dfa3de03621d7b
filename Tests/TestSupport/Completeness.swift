public import Testing

/// Expects a list of tried values to have one of every type in the package's sources that conforms to a protocol.
///
/// - Parameters:
///   - tried: what a law suite runs over.
///   - protocolName: the protocol's name.
///   - exceptions: types that the suite cannot have, with the reason; each must be a conformer that was not tried.
public func expectEveryConformer(
  of protocolName: String, among tried: [Any], except exceptions: [String: String] = [:],
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let conformers = try Conformances.ofPackage.get().types(conformingTo: protocolName)
  for complaint in completenessComplaints(conformers, tried: Set(tried.map(typeName(of:))), Set(exceptions.keys)) {
    Issue.record("\(protocolName): \(complaint)", sourceLocation: sourceLocation)
  }
}

func completenessComplaints(_ conformers: Set<String>, tried: Set<String>, _ exceptions: Set<String>) -> [String] {
  if conformers.isEmpty { return ["no source declares a conformer"] }
  return conformers.subtracting(tried).subtracting(exceptions).sorted().map { "\($0) is in no law suite" }
    + exceptions.subtracting(conformers).sorted().map { "the exception \($0) is no conformer" }
    + exceptions.intersection(tried).sorted().map { "the exception \($0) is tried" }
}
