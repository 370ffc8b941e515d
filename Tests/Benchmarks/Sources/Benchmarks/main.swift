import Glibc

// Prints rates and ratios of the built program; asserts nothing, because machines differ.
//
//   swift build -c release && swift run --package-path Tests/Benchmarks -c release Benchmarks
let arguments = Array(CommandLine.arguments.dropFirst())
let program = arguments.first ?? ".build/release/reprise"
guard unsafe access(program, X_OK) == 0 else {
  fail("no program '\(program)'; build it with 'swift build -c release', run from the top folder")
}
let folder = "/tmp/reprise-benchmark-\(getpid())"
guard unsafe mkdir(folder, 0o755) == 0 else { fail("cannot make \(folder)") }

/// The size of a file in bytes.
func size(_ path: String) -> Int {
  var status = stat()
  return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
}

func row(_ name: String, _ value: String) {
  print(name + String(repeating: " ", count: max(1, 62 - name.count)) + value)
}

func startUp() {
  let start = Measurement.best(of: 20, program, ["--version"])
  row("start-up", "\(text(start.wall * 1e3, 1)) ms")
}

/// The Azure conversation hour, rescheduled: the whole process with loading and reporting.
func azureHour() {
  let hour = 3501.7
  let replay = ["replay", "traces/azure-2023-conversation.reprise", "--policy"]
  let one = Measurement.best(of: 3, program, replay + ["vllm-0.33"])
  row("Azure hour, one policy", "\(text(one.wall, 3)) s, \(text(hour / one.wall, 0)) x real time")
  row("  of processor time", "\(text(one.processor, 3)) s, \(text(hour / one.processor, 0)) x")
  row("  memory", "\(one.memory >> 20) MiB")
  let four = Measurement.best(of: 3, program, replay + ["always-2d,vllm-0.9.2,vllm-0.33,fastest"])
  row("four policies over one, processor time", "\(text(four.processor / one.processor, 2)) x")
  row("four policies over one, wall", "\(text(four.wall / one.wall, 2)) x")
  let detailed = Measurement.best(of: 1, program, replay + ["vllm-0.33", "--output", folder])
  row("with every gap written, over without", "\(text(detailed.wall / one.wall, 2)) x")
}

/// The same traffic for ten times as long.
func linearity() {
  var costs: [Measurement] = []
  for hours in [1, 10] {
    let trace = "\(folder)/random-\(hours).reprise"
    _ = Measurement.best(
      of: 1, program,
      [
        "generate", "random", "--rate", "5", "--prompt", "1000", "--output-tokens", "200",
        "--duration", "\(hours * 3600)", "--seed", "5", "--output", trace,
      ])
    costs.append(
      Measurement.best(of: hours == 1 ? 3 : 1, program, ["replay", trace, "--policy", "vllm-0.33"]))
  }
  row(
    "ten hours over one, processor time", "\(text(costs[1].processor / costs[0].processor, 2)) x")
  row("  memory", "\(costs[0].memory >> 20) and \(costs[1].memory >> 20) MiB")
}

/// A trace of five million rows.
func reading() {
  let log = LargeStepLog()
  let trace = "\(folder)/large.reprise"
  log.write(to: "\(folder)/large.jsonl")
  let record = Measurement.best(
    of: 1, program, ["record", "\(folder)/large.jsonl", "--output", trace])
  let verify = Measurement.best(of: 3, program, ["trace", "verify", trace])
  let rows = Double(log.rowCount) / 1e6
  row("recording from a step log", "\(text(rows / record.wall, 1)) M rows/s")
  row("  memory", "\(record.memory >> 20) MiB")
  row("reading and checking a trace", "\(text(rows / verify.wall, 1)) M rows/s")
  row("  bytes a row", text(Double(size(trace)) / Double(log.rowCount), 3))
}

/// Recorded runs against the best that a general compressor makes of their logs.
func sizes() {
  for name in [
    "mistral-small-24b-random-qps5.vllm-default", "mistral-small-24b-mooncake-26.always-2d",
  ] {
    let trace = "traces/h200/\(name).reprise"
    let packed = "\(folder)/log.zst"
    let pipe =
      "'\(program)' trace export '\(trace)' --format steps-jsonl | zstd -19 -q -c > \(packed)"
    _ = Measurement.best(of: 1, "sh", ["-c", pipe])
    row(
      "\(name), bytes over zstd -19",
      "\(size(trace)) / \(size(packed)) = \(text(Double(size(trace)) / Double(max(1, size(packed))), 3))"
    )
  }
}

/// The Azure hour's hundred thousand batches under twenty variants, tuned and judged.
///
/// Eighteen of them are split-KV by other numbers of segments, with the times of 16: what counts here is
/// the work, not the rule.
func tuning() {
  let profile = "\(folder)/twenty.json"
  let script = """
    import json
    profile = json.load(open('Sources/CMachineProfiles/nvidia-h200.json'))
    kernels = profile['kernels']
    split = next(k for k in kernels if k['variant'] == 'triton-3d-16')
    kernels += [dict(split, variant=f'triton-3d-{n}') for n in range(2, 38, 2) if n != 16]
    json.dump(profile, open('\(profile)', 'w'))
    """
  _ = Measurement.best(of: 1, "python3", ["-c", script])
  let variants =
    ["triton-2d", "flash-attention-3"] + stride(from: 2, to: 38, by: 2).map { "triton-3d-\($0)" }
  for form in ["tree:4", "thresholds:3", "table"] {
    let tune = Measurement.best(
      of: 1, program,
      [
        "tune", "traces/azure-2023-conversation.reprise", "--form", form, "--profile", profile,
        "--timing", "profile", "--variants", variants.joined(separator: ","),
      ])
    row("tuning \(form), 10^5 batches, \(variants.count) variants", "\(text(tune.processor, 2)) s")
  }
}

startUp()
azureHour()
tuning()
linearity()
reading()
sizes()
_ = Measurement.best(of: 1, "rm", ["-r", folder])
