import ArgumentParser
import ClientLogs
import EngineSimulation
import KernelSelection
import MachineProfiles
import MeasurementStore
import Reports
import StepTiming
import TraceFile
import TraceModel

/// `reprise calibrate`: a machine profile from measured kernels and recordings.
struct CalibrateCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fit a machine profile to measured kernels and to recordings of an engine.",
    discussion: """
      Kernel times come from what 'reprise measure' wrote (a store, or an export .jsonl.zst) or from JSON \
      lines (one batch a line: query_lens, kv_lens, and microseconds by kernel), the SM of each CTA and the \
      kernels of output layers from lines of cta_placement.py and output_layer.py in Sources/GPUMeasurement, the \
      rest of the step and the host's timing from traces with GPU times. The profile states its own error on \
      rows and recordings that it was not fitted to.
      """)

  @Argument(
    help:
      "Measurements (.sqlite, .jsonl.zst), kernel logs (.jsonl) and traces (.reprise) of one GPU.")
  var files: [String]

  @Option(help: "Where the profile goes; one for each --only-machine, in their order.")
  var output: [String]

  @Option(help: "Query heads of the measured kernels.")
  var queryHeads = 32

  @Option(help: "KV heads of the measured kernels.")
  var kvHeads = 8

  @Option(help: "Head size of the measured kernels.")
  var headSize = 128

  @Option(help: "Tokens in a KV block of the measured kernels.")
  var kvBlockSize = 16

  @Option(
    help: "Measurements that nothing is fitted to, to state the profile's error on; repeatable.")
  var heldOut: [String] = []

  @Option(
    help:
      "What a trace's callers saw (NAME.client.jsonl or .jsonl.zst of NAME.reprise), for delays between callers and engine; repeatable."
  )
  var client: [String] = []

  @Option(help: "A line for the profile's provenance, such as driver and date; repeatable.")
  var note: [String] = []

  @Option(
    help:
      "The machine ('machine' in the headers of traces) whose rest of step and host are fitted; traces of others tell of kernels alone. Repeatable: one profile each, from one fit. Default: all."
  )
  var onlyMachine: [Int] = []

  @Flag(help: "Fit alone: do not find the errors on data left out, which is most of the work.")
  var fitOnly = false

  func validate() throws {
    guard min(queryHeads, kvHeads, headSize, kvBlockSize) >= 1, queryHeads >= kvHeads else {
      throw ValidationError(
        "heads, head size and block size must be at least 1, KV heads the fewer")
    }
    guard output.count == max(1, onlyMachine.count) else {
      throw ValidationError("one --output for each --only-machine, or a single one without")
    }
  }

  func run(on console: Console) throws {
    let traces = files.filter { $0.hasSuffix(".reprise") }
    for log in client
    where !traces.contains(where: { log.hasPrefix($0.dropLast(".reprise".count) + ".client.") }) {
      throw CommandError.usage(
        "no trace for '\(log)'; a log NAME.client.jsonl belongs to the trace NAME.reprise beside it"
      )
    }
    for path in files where !FileSystem.exists(path) {
      throw CommandError.failed("'\(path)': no such file; name measurements, or a recording")
    }
    let stores = files.filter { $0.hasSuffix(".sqlite") || $0.hasSuffix(".zst") }
    let logs = files.filter { !traces.contains($0) && !stores.contains($0) }
    let readers = try traces.map { try TraceReader(path: $0) }
    let measured = try MeasuredKernels(stores)
    let testing = try MeasuredKernels(heldOut)
    let machine = try machine(of: readers, measured: measured.machine)
    var measurements = measured.forFit
    var launches: [[Int16]] = []
    var outputLayers: [String: OutputLayer] = [:]
    for log in logs {
      let text = String(decoding: try InputFile.bytes(path: log), as: UTF8.self)
      measurements += try kernels(in: text, of: log, smCount: machine.smCount, on: console)
      launches = try PlacementLog.launches(
        text: text, source: log, gpu: machine.gpu, smCount: machine.smCount, beside: launches)
      outputLayers = try OutputLayerLog.layers(
        text: text, source: log, gpu: machine.gpu, beside: outputLayers)
    }
    for machine in onlyMachine where !readers.contains(where: { $0.header.machine == machine }) {
      throw CommandError.usage(
        "no trace is of machine \(machine), which --only-machine names; add a recording made on it"
      )
    }
    var calibration = ProfileCalibration(
      gpu: machine.gpu,
      placement: launches.isEmpty
        ? .inTurn(smCount: machine.smCount)
        : CTAPlacement(smCount: machine.smCount, launches: launches),
      measurements: measurements, outputLayers: outputLayers)
    for (path, reader) in zip(traces, readers) {
      try add(reader, path: path, outputLayers, to: &calibration)
    }
    let profiles =
      onlyMachine.isEmpty
      ? [calibration.profile(provenance: files + note, crossValidates: !fitOnly)]
      : calibration.profiles(
        ofMachines: onlyMachine, provenance: files + note, crossValidates: !fitOnly)
    for (profile, path) in zip(profiles, output) {
      guard !profile.kernels.isEmpty else {
        throw CommandError.failed(
          "no kernel was measured on enough batches to be fitted; name a kernel log with more rows")
      }
      let file = try ResultFile(path: path)
      try file.write(Array((profile.json.text(pretty: true) + "\n").utf8).span)
      try file.finish()
      guard !fitOnly else { continue }
      if profiles.count > 1 { try console.print(path) }
      try console.print(
        CalibrationReport(profile: profile, heldOut: testing.errors(of: profile)).text)
    }
  }

  /// The GPU of recordings and measurements; a recording's name counts where both are there.
  private func machine(
    of readers: [TraceReader], measured: MeasuredMachine?
  ) throws(CommandError) -> (gpu: String, smCount: Int) {
    let header = readers.first?.header
    guard let gpu = header?.gpu ?? measured?.gpu,
      let smCount = header?.smCount ?? measured?.smCount
    else {
      throw .usage("no trace names its GPU; add a recording (.reprise) made on the machine")
    }
    if let measured, measured.gpu != gpu {
      throw .usage(
        "measurements of '\(measured.gpu)' beside a trace of '\(gpu)'; calibrate each on its own")
    }
    for reader in readers where reader.header.gpu != gpu {
      throw .usage(
        "traces of two GPUs ('\(gpu)' and '\(reader.header.gpu ?? "unknown")'); "
          + "calibrate each on its own")
    }
    return (gpu, smCount)
  }

  private func kernels(
    in text: String, of path: String, smCount: Int, on console: Console
  ) throws -> [KernelMeasurement] {
    try KernelLog.measurements(
      text: text, source: path,
      context: AttentionContext(
        queryHeads: queryHeads, kvHeads: kvHeads, headSize: headSize, kvBlockSize: kvBlockSize,
        smCount: smCount, graphs: CUDAGraphs(mode: .none, captureSizes: [])),
      unknown: {
        console.note(
          "\(path): column '\($0)' is left out, since its name ends in no kernel variant's; "
            + "'reprise policies' lists those there are")
      })
  }

  /// What the callers of a trace saw, by request; empty where no log is its.
  private func callers(of reader: TraceReader, path: String) throws -> [CallerRecord?] {
    let stem = path.dropLast(".reprise".count) + ".client."
    guard let log = client.first(where: { $0.hasPrefix(stem) }) else { return [] }
    let requests = try reader.requests()
    let matches = try ClientLog(bytes: try InputFile.bytes(path: log), source: log)
      .matched(to: requests).requests
    return zip(requests, matches).map { request, match in
      // A log on a clock of its own tells nothing of delays.
      guard let match, let sent = match.sent, let gaps = match.gaps,
        abs((sent - request.arrival).rawValue) < Limits.sendDelayMax.rawValue
      else { return nil }
      var tokens = [sent + match.ttft]
      for gap in gaps { tokens.append(tokens[tokens.count - 1] + gap) }
      return CallerRecord(sent: sent, tokens: tokens)
    }
  }

  private func add(
    _ reader: TraceReader, path: String, _ outputLayers: [String: OutputLayer],
    to calibration: inout ProfileCalibration
  ) throws {
    let header = reader.header
    let engine = try ReplaySource.engine(of: header, trace: path)
    guard
      let policy = PolicyList.recorded(header: header)
    else {
      throw CommandError.failed(
        "'\(path)': its header does not tell which selection policy was in force; "
          + "add 'selection_policy' to the log's header and record it again")
    }
    var recording = CalibrationRecording(
      name: path, machine: header.machine, shape: engine.rankModel,
      context: engine.attentionContext, policy: policy,
      requests: try reader.requests(), callers: try callers(of: reader, path: path),
      rows: engine.batchRows,
      loadedKernels: engine.loadedKernels(of: outputLayers[engine.rankModel.name] ?? .unknown))
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) { recording.add(step) }
    calibration.add(recording)
  }
}
