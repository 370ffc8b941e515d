public import TraceModel

/// A whole recording in memory.
public struct ImportedRun: Hashable, Sendable {
  /// Where it comes from.
  public var header: TraceHeader
  /// Requests, which rows name by their places.
  public var requests: [TraceRequest]
  /// Steps in order.
  public var steps: [TraceStep]
  /// Steps that the recorder dropped.
  public var gaps: [TraceGap]
  /// What was left out and why, one text for each kind of thing.
  public var notes: [String]
}

/// Reads NVIDIA Dynamo's forward-pass metrics (`dynamo.fpm.trace.v1`, `DYN_FPM_MODE=full`) where its rows
/// carry `extend_lengths` and `past_kv_lengths`, as aisimulate's hooks add them.
///
/// A line is an envelope (`{"timestamp", "event": {"observed_at_unix_ms", "fpm": …}}`), its event, or the
/// metrics alone. Lists name no requests: `DynamoRequests` follows their lengths. A pass ends when it
/// was observed and began its `wall_time` before; arrivals are not known, so a request arrives when it is
/// first scheduled. One worker's rank is read, the first in the file.
public enum DynamoFPMReader {
  private static let wallMax = Nanoseconds(86_400_000_000_000)
  /// The most that a clock of whole milliseconds makes one pass seem to begin in the one before.
  private static let rounding = Nanoseconds(2_000_000)

  /// Reads a whole file.
  public static func read(
    _ source: any ByteSource, name: String
  ) throws(TraceImportError) -> ImportedRun {
    var lines = LineReader(source, name: name)
    var run = DynamoRun()
    while try lines.advance() {
      guard !lines.line.isEmpty else { continue }
      do throws(LineFault) {
        try run.take(parsed(lines))
      } catch {
        throw lines.error(error)
      }
    }
    return try run.finish(name)
  }

  private static func parsed(_ lines: borrowing LineReader) throws(LineFault) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: lines.bytes.span.extracting(lines.line))
    } catch {
      throw LineFault(error)
    }
  }

  /// What has been read so far.
  private struct DynamoRun {
    var requests = DynamoRequests()
    var steps: [TraceStep] = []
    var gaps: [TraceGap] = []
    var notes = NoteCounter()
    var worker: (id: String, rank: Int)?
    var timeZero: Int64?
    var lastCounter: Int64?
    /// Passes missing since the last step.
    var missing: Int64 = 0
    var clock = Nanoseconds.zero

    mutating func take(_ line: JSONValue) throws(LineFault) {
      let event = line["event"] ?? line
      guard let metrics = event["fpm"] ?? (event["scheduled_requests"] == nil ? nil : event) else {
        throw LineFault(
          "neither forward-pass metrics nor their envelope", kind: .foreignFormat)
      }
      if event["capture_mode"]?.string == "sampled" {
        throw LineFault(
          "a sampled trace lacks most passes; record with DYN_FPM_MODE=full", kind: .foreignFormat)
      }
      guard clock.rawValue < 1 << 60 else { throw LineFault("the passes take years") }
      let wall = Nanoseconds(seconds: metrics["wall_time"]?.double ?? 0) ?? .zero
      guard let scheduled = metrics["scheduled_requests"], wall > .zero else {
        skipIdle(metrics)
        return
      }
      guard wall <= DynamoFPMReader.wallMax else {
        throw LineFault("\"wall_time\" is longer than a day; it is in seconds")
      }
      guard isOurs(metrics) else {
        notes.count("pass of another worker or rank skipped; split the file to read it")
        return
      }
      let lengths = try Self.lengths(scheduled)
      guard !lengths.isEmpty else {
        skipIdle(metrics)
        return
      }
      try add(lengths, scheduled, metrics, event, wall)
    }

    private mutating func isOurs(_ metrics: JSONValue) -> Bool {
      let found = Self.worker(of: metrics)
      let worker = worker ?? found
      self.worker = worker
      return worker == found
    }

    private static func worker(of metrics: JSONValue) -> (id: String, rank: Int) {
      (metrics["worker_id"]?.string ?? "", metrics["dp_rank"]?.int ?? 0)
    }

    /// Leaves out a pass without requests, which has its number all the same.
    ///
    /// It does not say which worker is read: one that only idles has nothing to read.
    private mutating func skipIdle(_ metrics: JSONValue) {
      notes.count("idle pass skipped")
      guard let worker, worker == Self.worker(of: metrics), let lastCounter,
        let counter = metrics["counter_id"]?.int.map({ Int64($0) }),
        counter > lastCounter, Self.counters.contains(counter)
      else { return }
      advance(to: counter)
    }

    private static let counters: ClosedRange<Int64> = 0...(1 << 60)

    /// Goes on to a pass; those between the last one and this are missing.
    private mutating func advance(to counter: Int64) {
      if let lastCounter { missing += counter - lastCounter - 1 }
      lastCounter = counter
    }

    /// Makes a gap behind the last step of what is missing.
    private mutating func endGap() {
      guard missing > 0, let last = steps.last else { return }
      gaps.append(TraceGap(afterStep: last.number, droppedSteps: missing))
      missing = 0
    }

    private mutating func add(
      _ lengths: [(extend: Int32, past: Int32)], _ scheduled: JSONValue, _ metrics: JSONValue,
      _ event: JSONValue, _ wall: Nanoseconds
    ) throws(LineFault) {
      let (start, end) = times(of: event, wall)
      let counter = metrics["counter_id"]?.int.map { Int64($0) } ?? (lastCounter ?? -1) + 1
      guard Self.counters.contains(counter) else {
        throw LineFault("counter_id \(counter) is out of range")
      }
      if let lastCounter, counter <= lastCounter {
        throw LineFault(
          "counter_id \(counter) after \(lastCounter); sort the file, or split it where the"
            + " worker was started again", kind: .inconsistent)
      }
      advance(to: counter)
      endGap()
      let queued = metrics["queued_requests"]
      let waiting = [queued?["num_prefill_requests"]?.int, queued?["num_decode_requests"]?.int]
      let rows = requests.take(
        lengths, at: start, isDecodeOnly: scheduled["num_prefill_requests"]?.int == 0)
      steps.append(
        TraceStep(
          number: counter, scheduleStart: start, scheduleEnd: start, output: end,
          waiting: queued.map { _ in
            Int32(clamping: waiting.reduce(0) { $0 + min(max($1 ?? 0, 0), 1 << 30) })
          },
          rows: rows))
      clock = end
    }

    /// When a pass began and ended; without a time of day, passes follow one another.
    private mutating func times(
      of event: JSONValue, _ wall: Nanoseconds
    ) -> (start: Nanoseconds, end: Nanoseconds) {
      guard let observed = event["observed_at_unix_ms"]?.int.map({ Int64($0) }),
        observed.magnitude < 1 << 42
      else { return (clock, clock + wall) }
      let zero = timeZero ?? observed - (wall.rawValue + 999_999) / 1_000_000
      timeZero = zero
      let end = Nanoseconds((observed - zero) * 1_000_000)
      var start = end - wall
      if start < clock, clock - start <= DynamoFPMReader.rounding { start = clock }
      start = max(start, steps.last?.scheduleStart ?? .zero)
      return (start, max(start, end))
    }

    private static func lengths(
      _ scheduled: JSONValue
    ) throws(LineFault) -> [(extend: Int32, past: Int32)] {
      guard case .array(let extends)? = scheduled["extend_lengths"],
        case .array(let pasts)? = scheduled["past_kv_lengths"]
      else {
        throw LineFault(
          "extend_lengths and past_kv_lengths are missing: sums alone cannot be replayed; record with"
            + " hooks that add them", kind: .foreignFormat)
      }
      guard extends.count == pasts.count, extends.count <= 65_536 else {
        throw LineFault(
          "\(extends.count) extend_lengths beside \(pasts.count) past_kv_lengths")
      }
      var lengths: [(extend: Int32, past: Int32)] = []
      for (extend, past) in zip(extends, pasts) {
        guard let extend = extend.int, let past = past.int,
          (1...ImportLimits.tokensMax).contains(extend),
          (0...ImportLimits.tokensMax).contains(past), extend + past <= ImportLimits.tokensMax
        else { throw LineFault("a length is no number of tokens") }
        lengths.append((Int32(extend), Int32(past)))
      }
      return lengths
    }

    consuming func finish(_ name: String) throws(TraceImportError) -> ImportedRun {
      guard !steps.isEmpty else {
        throw TraceImportError(.foreignFormat, source: name, reason: "no forward pass in the file")
      }
      endGap()
      if requests.strangers > 0 {
        notes.count(
          "\(requests.strangers) rows follow no request that was seen before; each begins one")
      }
      var header = TraceHeader(members: [
        .init("source_format", .string("dynamo.fpm.trace.v1")), .init("time_unit", .string("s")),
        .init("arrivals", .string("first scheduling")),
      ])
      if let timeZero { header["time_zero_unix_ms"] = .integer(timeZero) }
      if let worker {
        header["worker"] = .string(worker.id)
        header["data_parallel_rank"] = .integer(Int64(worker.rank))
      }
      return ImportedRun(
        header: header, requests: requests.requests, steps: steps, gaps: gaps, notes: notes.lines)
    }
  }
}
