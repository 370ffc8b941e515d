import ArgumentParser
import EngineSimulation
import KernelSelection
import MachineProfiles
import Reports
import StepTiming
import TraceFile
import TraceModel

/// `reprise calibrate`: measured kernels and recordings become a machine profile.
struct CalibrateCommand: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Fit a machine profile to measured kernels and recorded runs.",
    discussion: """
      Files that end in .jsonl are measured kernel calls, files that end in .reprise are recordings \
      of an engine on the same GPU. Kernels are fitted to the first, the rest of the step and the \
      host to the second; a recording's header says for which heads the kernels were measured.
      """)

  @Argument(help: "Measured kernels (.jsonl) and recordings (.reprise), at least one of each.")
  var files: [String]

  @Option(help: "The profile to write, as JSON.")
  var output: String

  func validate() throws {
    guard files.contains(where: { $0.hasSuffix(".jsonl") }),
      files.contains(where: { $0.hasSuffix(".reprise") })
    else {
      throw ValidationError(
        "calibrate needs measured kernels (.jsonl) and recordings (.reprise), one of each or more")
    }
  }

  func run(on console: Console) throws {
    let recordings = try files.filter { $0.hasSuffix(".reprise") }.map {
      try Recording(path: $0)
    }
    guard let first = recordings.first else { return }
    for other in recordings where other.gpu != first.gpu {
      throw CommandError.failed(
        "'\(other.path)' was recorded on \(other.gpu), '\(first.path)' on \(first.gpu); "
          + "calibrate one GPU at a time")
    }
    var measurements: [KernelMeasurement] = []
    for path in files where path.hasSuffix(".jsonl") {
      measurements += try KernelLog.measurements(
        text: String(decoding: try InputFile.bytes(path: path), as: UTF8.self), source: path,
        context: first.engine.attentionContext)
    }
    guard !measurements.isEmpty else {
      throw CommandError.failed(
        "no measured call of a known kernel in the .jsonl files; "
          + "their lines must have op, query_lens, kv_lens and microseconds")
    }
    var calibration = ProfileCalibration(
      gpu: first.gpu, smCount: first.engine.smCount, measurements: measurements)
    for recording in recordings { calibration.add(try recording.steps(for: calibration)) }
    let profile = calibration.profile(provenance: files.map { Self.fileName($0) })
    let file = try ResultFile(path: output)
    try file.write((profile.json.text(pretty: true) + "\n").utf8.span)
    try file.finish()
    try console.print(CalibrationSummary(profile).text())
  }

  private static func fileName(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

/// A recorded run that a profile is fitted to.
private struct Recording {
  let path: String
  let reader: TraceReader
  let engine: EngineModel
  let gpu: String
  let policy: any SelectionPolicy

  init(path: String) throws {
    self.path = path
    reader = try TraceReader(path: path)
    let header = reader.header
    guard let gpu = header.gpu, let smCount = header.smCount, reader.stepCount > 0 else {
      throw CommandError.failed(
        "'\(path)' is no recording of a run on a GPU: 'gpu', 'sm_count' or steps are missing")
    }
    guard
      let policy = PolicyList.recorded(
        engineVersion: header.engineVersion, backend: header.attentionBackend,
        policy: header.selectionPolicy)
    else {
      throw CommandError.failed(
        "'\(path)': its header's 'selection_policy' names no policy that reprise knows; "
          + "see 'reprise policies'")
    }
    self.gpu = gpu
    self.policy = policy
    engine = try EngineModel(recordedBy: header, trace: path, smCount: smCount)
  }

  /// All steps, given to a calibration.
  func steps(for calibration: ProfileCalibration) throws -> CalibrationRecording {
    var recording = try calibration.recording(
      name: "\(engine.model.name)/\(reader.header.workload ?? path)/\(policy.name)",
      shape: engine.model, context: engine.attentionContext, policy: policy,
      requests: try reader.requests())
    var steps = try reader.steps()
    var step = TraceStep()
    while try steps.next(into: &step) { try recording.add(step) }
    return recording
  }
}
