import TraceImport
import TraceModel

/// A log of every kind of line, in the form that the recorder of real logs writes.
enum StepLogs {
  static let header =
    #"{"kind":"header","schema":"engine-step-log/1","engine":"vllm","engine_version":"0.24.0","#
    + #""model":{"name":"é","layers":2,"rope":1.0},"cuda_graph_capture_sizes":[1,2,4],"x":null}"#

  static let canonical =
    header + "\n"
      + #"""
      {"kind":"request","id":0,"arrival":0.0,"prompt_tokens":1000,"output_tokens":100}
      {"kind":"request","id":1,"arrival":5e-06,"prompt_tokens":5,"output_tokens":2,"prefix_blocks":[18446744073709551615,0]}
      {"kind":"step","step":1,"schedule_start":0.001946,"schedule_end":0.00206,"output":0.072335,"gpu_ms":70.0517,"forward_ms":70.0,"waiting":0,"running":2,"batch":[[0,0,1000],[1,0,5]]}
      {"kind":"gap","after_step":1,"dropped_steps":3}
      {"kind":"request","id":7,"arrival":1.274125,"prompt_tokens":3,"output_tokens":0,"output_limit":9}
      {"kind":"step","step":5,"schedule_start":2.0,"schedule_end":2.00001,"output":2.5,"waiting":1,"running":2,"free_kv_blocks":77,"batch":[[7,0,3]],"preempted":[0],"finished":[1]}
      {"kind":"step","step":6,"schedule_start":2.1,"schedule_end":2.1,"batch":[[0,2147483646,1],[7,3,1]]}

      """#.split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "\n") + "\n"
}

/// Everything a reader gives for a log.
struct StepLogContents: Equatable {
  var header: TraceHeader
  var events: [StepLogEvent] = []
  var requests: [TraceRequest] = []
  var steps: [TraceStep] = []
  var gaps: [TraceGap] = []
  var ends: [Int32: TokenCount] = [:]
  var notes: [String] = []

  init(_ text: String, pieceMax: Int = .max) throws(TraceImportError) {
    try self.init(bytes: Array(text.utf8), pieceMax: pieceMax)
  }

  init(bytes: [UInt8], pieceMax: Int = .max) throws(TraceImportError) {
    var reader = try StepLogReader(BytesInMemory(bytes, pieceMax: pieceMax), name: "log")
    header = reader.header
    var step = TraceStep()
    while let event = try reader.next(into: &step) {
      events.append(event)
      switch event {
      case .request(let request): requests.append(request)
      case .step: steps.append(step)
      case .gap(let gap): gaps.append(gap)
      case .end(let request, let outputTokens): ends[request] = outputTokens
      }
    }
    notes = reader.notes
  }

  /// The same log written out again.
  var text: String {
    var bytes: [UInt8] = []
    var writer = StepLogWriter()
    var steps = steps.makeIterator()
    writer.append(header, to: &bytes)
    for event in events {
      switch event {
      case .request(let request): writer.append(request, to: &bytes)
      case .step: if let step = steps.next() { writer.append(step, to: &bytes) }
      case .gap(let gap): writer.append(gap, to: &bytes)
      case .end: break
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
