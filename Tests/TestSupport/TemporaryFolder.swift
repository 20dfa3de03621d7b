import Foundation

/// Calls a closure with the path of a new, empty folder, which is deleted with all its content afterwards.
@discardableResult
public func temporaryFolder<Result>(_ body: (_ path: String) throws -> Result) throws -> Result {
  let path = try makeTemporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

/// Calls an asynchronous closure with the path of a new, empty folder, which is deleted with all its content afterwards.
@discardableResult
public func temporaryFolder<Result>(
  isolation: isolated (any Actor)? = #isolation, _ body: (_ path: String) async throws -> Result
) async throws -> Result {
  let path = try makeTemporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

private func makeTemporaryFolder() throws -> String {
  let url = FileManager.default.temporaryDirectory.appending(path: "scorekit-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  return url.path
}
