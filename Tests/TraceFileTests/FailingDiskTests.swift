import Glibc
import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("A disk that fails")
struct FailingDiskTests {
  @Test("a full disk gives one error and leaves nothing under the final name")
  func full() throws {
    let folder = try TemporaryDirectory()
    // Writing to /dev/full fails as a full disk does; the writer follows the link.
    #expect(unsafe symlink("/dev/full", folder.file("a.reprise.partial")) == 0)
    let error = #expect(throws: TraceFileError.self) {
      try SampleTrace().write(to: folder.file("a.reprise"))
    }
    #expect(error?.message.contains("No space left on device") == true)
    #expect(try folder.contents().isEmpty)
  }

  @Test("a disk that fills up later, too")
  func fullLater() async throws {
    // A limit on the size of files is for a whole process, so it dies alone.
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryDirectory()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 2000, rlim_max: 2000)
      precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let trace = SampleTrace(.init(requests: 40, stepsMax: 150), seed: 5)
      do {
        try trace.write(to: folder.file("a.reprise"), flushEvery: 5)
        preconditionFailure("2000 bytes cannot be enough")
      } catch let error as TraceFileError {
        precondition(error.message.contains("File too large"), error.message)
      }
      let contents = try folder.contents()
      precondition(contents.isEmpty)
    }
  }

  @Test("a folder that is not there, or takes no files")
  func noFolder() throws {
    let folder = try TemporaryDirectory()
    for path in [folder.file("none/a.reprise"), "/proc/a.reprise", "/dev/null/a.reprise"] {
      let error = #expect(throws: TraceFileError.self) { try SampleTrace().write(to: path) }
      #expect(error?.message.contains(path) == true)
    }
  }

  @Test("a trace that is there is replaced when the new one is whole, not before")
  func replaced() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("a.reprise")
    try SampleTrace(.init(), seed: 1).write(to: path)
    let old = try folder.bytes(of: "a.reprise")
    do {
      var writer = try TraceWriter(path: path, header: TraceHeader())
      try writer.flush()
      writer.cancel()
    }
    #expect(try folder.bytes(of: "a.reprise") == old)
    try SampleTrace(.init(), seed: 2).write(to: path)
    #expect(try folder.bytes(of: "a.reprise") != old)
    #expect(try folder.contents() == ["a.reprise"])
  }
}
