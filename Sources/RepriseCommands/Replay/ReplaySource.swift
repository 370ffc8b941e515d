import ConfigurationFiles
import EngineSimulation
import Reports
import TraceFile
import TraceModel

/// An opened trace with the choices that follow from what it holds: batches, engine, requests.
struct ReplaySource {
  /// The GPU of that engine, and of engine files that name none.
  static let defaultGPU = "NVIDIA H200"
  /// What is modelled where neither the call nor the trace names an engine.
  static var defaultEngine: String { EngineCatalog.defaultName }

  let path: String
  let reader: TraceReader
  let batches: BatchSource
  let engine: EngineModel
  let gpu: String
  let selection: WorkloadSelection
  /// Every request of the trace: rows of steps refer to these.
  let allRequests: [TraceRequest]
  /// The requests to replay: of a window of recorded steps those that have rows in it.
  let requests: [TraceRequest]
  /// Their places among all, where a window of recorded steps holds but some.
  let places: [Int]?
  /// Whether steps give several tokens, of which nobody says how many.
  let isSpeculative: Bool
  /// For each of these what the recorded engine found in its prefix cache, where that is all that is known
  /// of prefixes.
  let recordedHits: [TokenCount]?
  /// What the choices were, where the call left them open.
  var notes: [String]

  init(
    path: String, batches: BatchSource?, engine engineName: String?, selection: WorkloadSelection
  ) throws {
    self.path = path
    self.selection = selection
    reader = try TraceReader(path: path)
    notes = []
    let hasSteps = reader.stepCount > 0
    let chosen = batches ?? (hasSteps ? .recorded : .rescheduled)
    self.batches = chosen
    guard chosen == .rescheduled || hasSteps else {
      throw CommandError.failed(
        "'\(path)' holds arrivals alone, no recorded batches; replay it with --batches rescheduled")
    }
    let isScaled = selection.timeScale != 1 || selection.maxRequests != nil
    guard chosen == .rescheduled || !isScaled else {
      throw CommandError.usage(
        "--time-scale and --max-requests change arrivals, which recorded batches do not follow; "
          + "add --batches rescheduled")
    }
    if batches == nil, !hasSteps {
      notes.append("the trace holds arrivals alone, so batches are rescheduled")
    }
    let header = reader.header
    if let engineName {
      engine = try Self.engine(named: engineName)
      gpu = header.gpu ?? Self.defaultGPU
    } else if header.model != nil {
      notes += Self.notModelled(header)
      gpu = header.gpu ?? Self.defaultGPU
      var described = header
      if header.gpu == nil, header.smCount == nil {
        // An engine on a CPU, say: its batches are as good as any.
        let count = try Self.engine(named: EngineCatalog.defaultName).smCount
        described["sm_count"] = .integer(Int64(count))
        notes.append("the trace names no GPU, so it is replayed as on one \(Self.defaultGPU)")
      }
      engine = try Self.engine(of: described, trace: path)
    } else {
      gpu = header.gpu ?? Self.defaultGPU
      engine = try Self.engine(named: EngineCatalog.defaultName)
      let lacking = header["model"].map(ModelShape.missing)?.joined(separator: ", ")
      notes.append(
        (lacking.map { "the trace's model lacks \($0)" } ?? "the trace names no engine")
          + ", so it is served by \(EngineCatalog.defaultName) with vLLM's defaults; choose another with --engine"
      )
    }
    allRequests = try reader.requests()
    if chosen == .recorded {
      let all = allRequests
      places = try Self.places(in: selection, of: reader, count: all.count)
      requests = places.map { $0.map { all[$0] } } ?? all
    } else {
      places = nil
      requests = try selection.apply(to: allRequests)
    }
    isSpeculative = engine.speculativeTokens > 0 || (header["speculative_tokens"]?.int ?? 0) > 0
    if isSpeculative {
      guard chosen == .recorded else {
        throw CommandError.failed(
          "'\(path)' was recorded with speculative decoding, and how many proposed tokens are accepted is not "
            + "modelled; replay it with --batches recorded")
      }
      notes.append(
        "recorded with speculative decoding: which step gave which tokens is not known, so ITL and TPOT are "
          + "not to be believed; attention and regret are those of the recorded batches")
    }
    let allHits = try Self.recordedHits(of: allRequests, in: reader, engine: engine)
    if let allHits, requests.count != allRequests.count {
      var byID: [RequestID: TokenCount] = [:]
      for (request, hits) in zip(allRequests, allHits) { byID[request.id] = hits }
      recordedHits = requests.map { byID[$0.id] ?? .zero }
    } else {
      recordedHits = allHits
    }
    if chosen == .rescheduled, let recordedHits, recordedHits.contains(where: { $0 > .zero }) {
      notes.append(
        "each request finds in the prefix cache what it found in the recording, since the trace does not "
          + "name blocks; record with REPRISE_BLOCK_HASHES=1 for hits that follow the batches")
    }
    guard !requests.isEmpty else {
      throw CommandError.failed(
        "'\(path)' has no request\(selection.isEverything ? "" : " in the chosen window"); "
          + (selection.isEverything ? "record or import some first" : "widen --from and --to"))
    }
  }

  /// What a header says of its engine that predictions leave out.
  private static func notModelled(_ header: TraceHeader) -> [String] {
    var notes: [String] = []
    if let policy = header["scheduling_policy"]?.string, policy != "fcfs" {
      notes.append(
        "recorded with \(policy) scheduling; rescheduled batches are first come, first served")
    }
    if let type = header["model"]?["dtype"]?.string, !["bfloat16", "float16"].contains(type) {
      notes.append("recorded with \(type) weights; kernels are timed with 16 bits an element")
    }
    if let method = header["quantization"]?.string {
      notes.append("recorded with \(method) weights; a profile's rest of step is of 16-bit ones")
    }
    return notes
  }

  /// The engine that a trace was recorded on.
  static func engine(of header: TraceHeader, trace: String) throws(CommandError) -> EngineModel {
    do {
      return try EngineModel(header: header)
    } catch {
      throw .failed("'\(trace)': \(error.message); or name an engine with --engine")
    }
  }

  /// An engine by its name or file.
  static func engine(named name: String) throws -> EngineModel {
    let isFile = name.hasSuffix(".yaml") || name.hasSuffix(".yml") || name.contains("/")
    return isFile ? try EngineFile.load(path: name) : try EngineCatalog.named(name)
  }
}
