import Testing
import TestSupport
import TraceModel

@testable import TraceFile

@Suite("Steps are read from anywhere")
struct RandomAccessTests {
  let folder: TemporaryDirectory
  let trace: SampleTrace
  let reader: TraceReader

  init() throws {
    folder = try TemporaryDirectory()
    trace = SampleTrace(.init(requests: 20, stepsMax: 90, oddOneIn: 40), seed: 7)
    try trace.write(to: folder.file("a.reprise"), flushEvery: 13)
    reader = try TraceReader(path: folder.file("a.reprise"))
  }

  @Test("from every step on, as from the start")
  func places() throws {
    try #require(reader.stepCount == trace.steps.count && reader.stepCount > 40)
    for place in -1...(trace.steps.count + 1) {
      let steps = try SampleTrace.all(reader.steps(from: place))
      #expect(steps == Array(trace.steps.dropFirst(max(0, place))), "from step \(place)")
    }
  }

  @Test("between any two moments, odd clocks included")
  func times() throws {
    let moments = trace.steps.map(\.scheduleStart)
    var edges = [Nanoseconds(.min), Nanoseconds(.max)]
    for moment in moments.enumerated().filter({ $0.offset % 5 == 0 }).map(\.element) {
      edges += [moment, moment + Nanoseconds(1)]
    }
    for start in edges {
      for end in edges {
        let steps = try SampleTrace.all(reader.steps(between: start, and: end))
        let expected = trace.steps.filter { $0.scheduleStart >= start && $0.scheduleStart < end }
        #expect(steps == expected, "from \(start.rawValue) to \(end.rawValue)")
      }
    }
  }

  @Test("several readers of one trace do not disturb each other")
  func interleaved() throws {
    var first = try reader.steps()
    var second = try reader.steps(from: 30)
    var step = TraceStep()
    for place in 0..<20 {
      #expect(try first.next(into: &step) && step == trace.steps[place])
      #expect(try second.next(into: &step) && step == trace.steps[30 + place])
    }
  }

  @Test("a copy of a reader goes on by itself")
  func copies() throws {
    var first = try reader.steps(from: 5)
    var step = TraceStep()
    _ = try first.next(into: &step)
    let second = first
    #expect(try SampleTrace.all(first) == Array(trace.steps.dropFirst(6)))
    #expect(try SampleTrace.all(second) == Array(trace.steps.dropFirst(6)))
  }

  @Test("the end is the end, however often one asks")
  func end() throws {
    var steps = try reader.steps(from: trace.steps.count - 1)
    var step = TraceStep()
    #expect(try steps.next(into: &step))
    #expect(try !steps.next(into: &step))
    #expect(try !steps.next(into: &step))
    #expect(step == trace.steps.last)
  }
}
