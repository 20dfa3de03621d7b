import Testing

/// Expects laws to report an issue with given words, at the line of the call that tried them.
func expectViolation(
  of words: String, line: Int = #line, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
  let box = Box()
  do {
    try withKnownIssue(sourceLocation: sourceLocation) {
      try body()
    } matching: { issue in
      box.texts.append(issue.comments.map(\.rawValue).joined(separator: " ") + (issue.error.map { " \($0)" } ?? ""))
      let distance = (issue.sourceLocation?.line ?? 0) - line
      box.isNear = box.isNear && issue.sourceLocation?.fileID == sourceLocation.fileID && (0..<10).contains(distance)
      return true
    }
  } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
  #expect(
    box.texts.contains { $0.contains(words) }, "no issue says “\(words)”: \(box.texts)", sourceLocation: sourceLocation)
  #expect(box.isNear, "an issue is not at the line of the caller", sourceLocation: sourceLocation)
}

private final class Box: @unchecked Sendable {
  var texts: [String] = []
  var isNear = true
}
