import TestSupport
import Testing
import TraceModel

@testable import TraceFile

@Suite("A trace whose writer died")
struct TraceRepairTests {
  let folder: TemporaryDirectory
  let path: String
  let partial: String
  let trace = RandomTrace(seed: 5, requestCount: 8, stepCount: 40)

  init() throws {
    folder = try TemporaryDirectory()
    path = folder.file("run.reprise")
    partial = path + ".partial"
  }

  @Test("has another name, and its whole chunks are saved")
  func abandoned() throws {
    try trace.abandon(at: path, stepsPerChunk: 10)
    #expect(!folder.has("run.reprise"))
    let saved = folder.file("saved.reprise")
    let report = try TraceRepair.repair(path: partial, to: saved)
    let read = try TraceContents(path: saved)
    #expect(report.totals.steps == read.steps.count)
    #expect(read.steps == trace.steps)
    #expect(read.header == trace.header)
  }

  @Test("killed at any byte keeps every chunk that was whole")
  func killedAnywhere() throws {
    try trace.abandon(at: path, stepsPerChunk: 10)
    let bytes = try folder.bytes(of: "run.reprise.partial")
    var lengths: Set<Int> = []
    for count in Array(stride(from: 0, to: bytes.count, by: 7)) + [bytes.count] {
      let cut = try folder.write(bytes[..<count], to: "cut.reprise.partial")
      let saved = folder.file("saved.reprise")
      guard (try? TraceRepair.repair(path: cut, to: saved)) != nil else {
        #expect(lengths.isEmpty, "a longer piece is worth no less")
        continue
      }
      let steps = try TraceContents(path: saved).steps
      #expect(steps == Array(trace.steps.prefix(steps.count)), "cut at \(count)")
      #expect(steps.count % 10 == 0)
      lengths.insert(steps.count)
    }
    #expect(lengths == [0, 10, 20, 30, 40])
  }

  @Test("that is whole is saved as it is")
  func whole() throws {
    try trace.write(to: path, stepsPerChunk: 10)
    let saved = folder.file("saved.reprise")
    _ = try TraceRepair.repair(path: path, to: saved)
    #expect(try TraceContents(path: saved) == TraceContents(path: path))
  }
}

@Suite("Writing a trace")
struct TraceWriterTests {
  let folder: TemporaryDirectory
  let path: String
  init() throws {
    folder = try TemporaryDirectory()
    path = folder.file("t.reprise")
  }

  private let request = TraceRequest(
    id: RequestID(1), arrival: .zero, promptTokens: TokenCount(4), outputTokens: TokenCount(2))

  @Test("leaves nothing behind when it is given up")
  func cancelled() throws {
    var writer = try TraceWriter(path: path, header: TraceHeader())
    try writer.append(request)
    writer.cancel()
    #expect(try folder.contents().isEmpty)
  }

  @Test("refuses rows of requests that it does not know, and steps out of order")
  func order() throws {
    var writer = try TraceWriter(path: path, header: TraceHeader())
    let row = StepRow(request: 0, computed: .zero, queryLength: TokenCount(4))
    var errors: [String] = []
    do { try writer.append(TraceStep(number: 1, rows: [row])) } catch {
      errors.append(error.message)
    }
    try writer.append(request)
    try writer.append(TraceStep(number: 1, rows: [row]))
    do { try writer.append(TraceStep(number: 1)) } catch { errors.append(error.message) }
    do { try writer.append(request) } catch { errors.append(error.message) }
    #expect(errors.count == 3)
    #expect(errors[0].contains("a request that was not added before it"))
    #expect(errors[1].contains("comes after step 1"))
    #expect(errors[2].contains("appears twice"))
    writer.cancel()
  }

  @Test("to a directory that is not there is one line")
  func nowhere() {
    let error = #expect(throws: TraceFileError.self) {
      let writer = try TraceWriter(path: "/nowhere/t.reprise", header: TraceHeader())
      writer.cancel()
    }
    #expect(error?.message.contains("/nowhere/t.reprise.partial") == true)
  }

  @Test("to a full disk fails with one line and leaves nothing under the final name")
  func fullDisk() throws {
    // What is written to this device meets a full disk at once.
    try folder.link("t.reprise.partial", to: "/dev/full")
    let error = #expect(throws: TraceFileError.self) {
      let writer = try TraceWriter(path: path, header: TraceHeader())
      writer.cancel()
    }
    #expect(error?.message.contains("No space left") == true)
    #expect(!folder.has("t.reprise"))
  }
}
