import Testing
import TraceModel

@testable import TraceRecorder

@Suite("Steps are made of requests that may be forgotten")
struct StepAssemblyTests {
  private func assembly() throws -> StepAssembly {
    let options = try RecorderOptions(json: Array(#"{"path":"x"}"#.utf8))
    return StepAssembly(options: options, header: TraceHeader())
  }

  /// Adds so many requests, each of which is in the file at its own number.
  private func fill(_ assembly: inout StepAssembly, count: Int) {
    for number in 0..<count {
      // The words of a request's record: head, number, arrival, prompt and limit, prefix blocks.
      let added = assembly.addRequest([0, UInt64(number), 0, 9 | 9 << 32, 0])
      assembly.setPlace(Int32(number), of: added)
    }
  }

  /// The requests without a place in a step of one row, and the row's place.
  private func name(_ number: UInt32, _ assembly: inout StepAssembly) -> ([UInt32], [Int32]) {
    var slot = PendingSteps.Slot()
    slot.record.isAllRows = true
    slot.record.added.requests = [number]
    slot.record.added.computed = [9]
    slot.record.added.queries = [1]
    assembly.takeRows(slot)
    let missing = assembly.nameRows(slot)
    return (missing, assembly.step.rows.map(\.request))
  }

  @Test("one that was forgotten while it runs keeps its place in the file, and is new in the next")
  func forgotten() throws {
    var assembly = try assembly()
    fill(&assembly, count: RecorderLimits.requestsLive + 1)
    #expect(assembly.live[7] == nil)
    #expect(name(7, &assembly) == ([], [7]))
    let end = assembly.end(FinishedRequest(number: 7, outputTokens: 5))
    #expect(end?.place == 7 && end?.outputTokens.rawValue == 5)
    assembly.beginFile()
    #expect(name(7, &assembly) == ([7], []))
  }
}
