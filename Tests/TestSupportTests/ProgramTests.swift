import Foundation
import TestSupport
import Testing

@Suite struct ProgramTests {
  private let shell = Program(path: "/bin/sh")

  @Test func programsTellOutputErrorsAndStatus() throws {
    let result = try shell.run(["-c", "echo one; echo two >&2; echo 'error: three' >&2; exit 7"])
    #expect(result.ending == .exit(7) && result.status == 7)
    #expect(result.output == "one\n" && result.errors == "two\nerror: three\n")
    #expect(result.errorLines == ["error: three"])
  }

  @Test func signalsAreNoStatus() throws {
    let result = try shell.run(["-c", "kill -KILL $$"])
    #expect(result.ending == .signal(SIGKILL) && result.status == nil)
    let program = try shell.start(["-c", "echo ready; sleep 100"])
    while program.outputText != "ready\n", program.isRunning { usleep(1000) }
    program.send(SIGKILL)
    #expect(program.wait().ending == .signal(SIGKILL))
  }

  @Test(arguments: ["sleep 100", "trap '' INT TERM; sleep 100; sleep 100"])
  func hangingProgramsAreKilledAndFailTheTest(_ script: String) throws {
    let start = ContinuousClock.now
    var result: Program.Result?
    try withKnownIssue {
      result = try shell.run(["-c", "echo before; \(script)"], limit: .milliseconds(500))
    } matching: { issue in
      issue.comments.contains {
        $0.rawValue.contains("sh was killed, since it did not end in 0.5 seconds") && $0.rawValue.contains("before")
      }
    }
    #expect(result?.ending == .signal(SIGKILL))
    #expect(ContinuousClock.now - start < .seconds(50))
  }

  @Test func loopsOverAHangingProgramEnd() throws {
    withKnownIssue {
      let program = try shell.start(["-c", "sleep 100"], limit: .milliseconds(200))
      while program.outputText != "never", program.isRunning { usleep(1000) }
    }
  }

  @Test func programsEndWithTheirHolder() throws {
    var program: RunningProgram? = try shell.start(["-c", "sleep 100"])
    let number = try #require(program?.processIdentifier)
    #expect(kill(number, 0) == 0)
    program = nil
    #expect(kill(number, 0) == -1 && errno == ESRCH)
  }

  @Test func folderEnvironmentInputAndShellReachTheProgram() throws {
    try temporaryFolder { folder in
      let folder = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
      let result = try shell.run(
        ["-c", "pwd -P; echo \"$OWN $SHARED\"; cat; ulimit -f"], in: folder,
        shell: "ulimit -f 4; SHARED=b; export SHARED",
        environment: ["OWN": "a"], input: "text\n")
      #expect(result.output == "\(folder)\na b\ntext\n4\n", "\(result.errors)")
      // The other variables are those of the tests, and the input is empty.
      let plain = try shell.run(["-c", "echo \"$PATH\"; cat"])
      #expect(plain.output == "\(ProcessInfo.processInfo.environment["PATH"] ?? "")\n")
    }
  }

  /// More than a pipe holds, and one that stays open since a child holds it.
  @Test func outputNeverMakesAnybodyWait() throws {
    let count = 200_000
    let result = try shell.run(["-c", "head -c \(count) /dev/zero; head -c \(count) /dev/zero >&2"])
    #expect(result.output.utf8.count == count && result.errors.utf8.count == count)
    let start = ContinuousClock.now
    #expect(try shell.run(["-c", "sleep 30 & echo $!"]).status == 0)
    #expect(ContinuousClock.now - start < .seconds(25))
  }

  @Test func whatIsMissingIsNotStarted() {
    #expect(throws: (any Error).self) { try Program.built("no-such-program").run() }
  }

  @Test func expectedFailuresAreChecked() throws {
    let failing = ["-c", "echo 'error: no apples' >&2; exit 3"]
    try shell.expectFailure(failing, status: 3, mentioning: ["no", "apples"])
    withKnownIssue { try shell.expectFailure(failing, status: 4, mentioning: ["apples"]) }
    withKnownIssue { try shell.expectFailure(failing, status: 3, mentioning: ["pears"]) }
    withKnownIssue { try shell.expectFailure(["-c", "exit 3"], status: 3, mentioning: []) }
    withKnownIssue { try shell.expectFailure(["-c", "kill -9 $$"], status: 3, mentioning: []) }
  }
}
