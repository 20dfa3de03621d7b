import Foundation

/// What the engine's libraries read from the environment when they are loaded, which is before `main`.
enum EngineEnvironment {
  /// The variables that are set unless the user has set them, or one that means the same.
  private static let defaults: [(name: String, value: String, alternatives: [String])] = [
    // OpenMP's threads wait for each other by spinning for milliseconds. Where another program wants the processor too,
    // that is time in which nobody works: a run beside another one was nine times slower than with this short spin, which
    // costs nothing where the processor is free.
    ("GOMP_SPINCOUNT", "2000", ["OMP_WAIT_POLICY"]),
    // MKL computes rows of a matrix alike wherever they lie in memory, so that samples do not depend on their batch.
    ("MKL_CBWR", "AUTO", []),
  ]

  /// Sets the variables; where one was missing the program starts over with them, under the same process number.
  static func prepare() {
    #if os(Linux)
      let missing = defaults.filter { entry in ([entry.name] + entry.alternatives).allSatisfy { getenv($0) == nil } }
      guard !missing.isEmpty else { return }
      for entry in missing { setenv(entry.name, entry.value, 0) }
      var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
      // By its own path, whose last part is what `top` calls the process. Where the file has been replaced meanwhile, by the
      // link. It returns only if the program cannot be started; it then goes on as it is.
      let link = "/proc/self/exe"
      var path = [CChar](repeating: 0, count: Int(PATH_MAX))
      if readlink(link, &path, path.count - 1) > 0 { execv(path, &arguments) }
      execv(link, &arguments)
    #endif
  }
}
