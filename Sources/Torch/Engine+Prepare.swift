internal import CTorch
internal import Foundation

extension Engine {
  /// Prepares the process for work with tensors; call it first in a program.
  ///
  /// It does three things:
  ///
  /// - OpenMP's threads wait for each other with a short spin (`GOMP_SPINCOUNT=2000`). With the long spin that they have by
  ///   default, a program that shares its processor with another busy one was nine times slower. The short spin costs nothing
  ///   on a free processor.
  /// - MKL computes rows of a matrix in the same way wherever they lie in memory (`MKL_CBWR=AUTO`), so that samples do not
  ///   depend on their batch.
  /// - Freed memory is kept for later tensors, as `keepFreedMemory()` does.
  ///
  /// Variables that are set already keep their values, and so does the waiting of threads if `OMP_WAIT_POLICY` is set. On Linux
  /// a program that contains `Torch` has the spin count before `main`. If its libtorch has an OpenMP that looks for the variable
  /// in another way, this call starts the program again with the variable, under the same process number: what it did before is
  /// then done twice. MKL reads its variable at its first product of matrices.
  public static func prepare() {
    prepareEnvironment()
    keepFreedMemory()
  }

  /// Prepares the process, and sets the number of threads as `startThreads(_:)` does.
  ///
  /// - Throws: `ThreadsUnavailable`.
  public static func prepare(threads: Int) throws(ThreadsUnavailable) {
    prepare()
    try startThreads(threads)
  }

  /// Sets the variables of `prepare()`, for tools that decide about memory later.
  package static func prepareEnvironment() {
    #if os(Linux)
      setenv("MKL_CBWR", "AUTO", 0)
      if ctorch_set_spin_count() { startAgain() }
    #endif
  }

  #if os(Linux)
    /// Starts the program again with the environment as it is now; returns only if that is not possible.
    private static func startAgain() {
      var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
      // The program is started by its own path, so that `top` shows its name; if the file has been replaced meanwhile, by
      // the link.
      let link = "/proc/self/exe"
      var path = [CChar](repeating: 0, count: Int(PATH_MAX))
      if readlink(link, &path, path.count - 1) > 0 { execv(path, &arguments) }
      execv(link, &arguments)
    }
  #endif
}
