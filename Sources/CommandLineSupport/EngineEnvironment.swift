import Foundation

/// The environment variables that the engine's libraries read when they are loaded, which is before `main`.
enum EngineEnvironment {
  /// The variables to set, unless the user has set them or an alternative with the same meaning.
  private static let defaults: [(name: String, value: String, alternatives: [String])] = [
    // OpenMP's threads wait for each other by spinning for milliseconds. If another program needs the processor too,
    // this time is lost: a run beside another run was nine times slower than with this short spin. The short spin costs
    // nothing if the processor is free.
    ("GOMP_SPINCOUNT", "2000", ["OMP_WAIT_POLICY"]),
    // With this setting MKL computes rows of a matrix in the same way wherever they lie in memory, so that samples do
    // not depend on their batch.
    ("MKL_CBWR", "AUTO", []),
  ]

  /// Sets the variables; if one was missing, the program starts again with them, under the same process number.
  static func prepare() {
    #if os(Linux)
      let missing = defaults.filter { entry in ([entry.name] + entry.alternatives).allSatisfy { getenv($0) == nil } }
      guard !missing.isEmpty else { return }
      for entry in missing { setenv(entry.name, entry.value, 0) }
      var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
      // The program is started by its own path, so that `top` shows its name; if the file has been replaced meanwhile,
      // by the link. execv returns only if the program cannot be started; the process then continues without the
      // variables' effect.
      let link = "/proc/self/exe"
      var path = [CChar](repeating: 0, count: Int(PATH_MAX))
      if readlink(link, &path, path.count - 1) > 0 { execv(path, &arguments) }
      execv(link, &arguments)
    #endif
  }
}
