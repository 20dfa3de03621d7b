import TestSupport
import Testing

#if os(Linux)
  /// Tools start once.
  @Suite struct StartTests {
    @Test func openMPIsLoadedOnce() throws {
      let result = try Program.built("score-sample").run(
        ["--help"], shell: "unset GOMP_SPINCOUNT OMP_WAIT_POLICY MKL_CBWR",
        environment: ["OMP_DISPLAY_ENV": "verbose"])
      #expect(result.ending == .exit(0))
      #expect(result.errors.matches(of: /GOMP_SPINCOUNT = '(\w+)'/).map(\.1) == ["2000"])
    }
  }
#endif
