import Foundation
import ScoreKit
import TestSupport
import Testing

/// What the engine's libraries find in the environment, in a program that only imports the library.
@Suite struct PreparationTests {
  #if os(Linux)
    /// The spin counts that OpenMP reports when it is loaded, one for each start of the program.
    private func spinCounts(_ environment: [String: String]) throws -> [Substring] {
      // The program of this test has the variable, and hands it on.
      let shell = "unset GOMP_SPINCOUNT OMP_WAIT_POLICY"
      let settings = environment.map { "; export \($0.key)=\($0.value)" }.joined()
      let result = try Program.built("mistakes").run(
        shell: shell + settings, environment: ["OMP_DISPLAY_ENV": "verbose"])
      #expect(result.ending == .exit(0))
      return result.errors.matches(of: /GOMP_SPINCOUNT = '(\w+)'/).map(\.1)
    }

    @Test func openMPSeesTheSpinCountAtTheFirstStart() throws {
      #expect(try spinCounts([:]) == ["2000"])
    }

    @Test func variablesOfTheUserWin() throws {
      #expect(try spinCounts(["GOMP_SPINCOUNT": "77"]) == ["77"])
      #expect(try spinCounts(["OMP_WAIT_POLICY": "passive"]) == ["0"])
    }

    @Test func preparationShowsInTheEnvironment() {
      Engine.prepare()
      let environment = ProcessInfo.processInfo.environment
      #expect(environment["GOMP_SPINCOUNT"] != nil || environment["OMP_WAIT_POLICY"] != nil)
      #expect(environment["MKL_CBWR"] != nil)
    }
  #endif

  @Test func impossibleThreadsAreAnError() {
    #expect(throws: Engine.ThreadsUnavailable.self) { try Engine.prepare(threads: 1_000_000) }
  }
}
