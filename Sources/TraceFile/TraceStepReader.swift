public import TraceModel

/// Steps of a trace, one chunk in memory at a time.
public struct TraceStepReader: StepSequence {
  private let trace: TraceReader
  private let chunks: [(place: Int, entry: TraceIndex.Entry)]
  /// Only steps scheduled in here are given.
  private let window: Range<Nanoseconds>?
  private var nextChunk = 0
  private var decoder: StepDecoder

  init(
    trace: TraceReader, chunks: [(place: Int, entry: TraceIndex.Entry)],
    window: Range<Nanoseconds>? = nil
  ) throws(TraceFileError) {
    self.trace = trace
    self.chunks = chunks
    self.window = window
    decoder = StepDecoder(lengths: try trace.requestLengths())
  }

  /// Overwrites `step` with the next one, reusing its storage; `false` at the end.
  ///
  /// After an error, `step` is in no defined state and the reader is to be dropped.
  public mutating func next(into step: inout TraceStep) throws(TraceFileError) -> Bool {
    while true {
      do throws(Corruption) {
        while try decoder.next(into: &step) {
          if window?.contains(step.scheduleStart) ?? true { return true }
        }
      } catch {
        let chunk = chunks[nextChunk - 1]
        throw trace.chunks.corrupt(error.what, chunk.place, chunk.entry.offset)
      }
      guard try loadChunk() else { return false }
    }
  }

  /// Passes over some steps, which lie in the first chunk.
  mutating func skip(_ count: Int) throws(TraceFileError) {
    var step = TraceStep()
    for _ in 0..<max(0, count) { _ = try next(into: &step) }
  }

  private mutating func loadChunk() throws(TraceFileError) -> Bool {
    guard nextChunk < chunks.count else { return false }
    let (place, entry) = chunks[nextChunk]
    let content = try trace.chunks.decode(place, entry) { _, content throws(Corruption) in content }
    do throws(Corruption) {
      try decoder.load(content, stepCount: entry.itemCount)
    } catch {
      throw trace.chunks.corrupt(error.what, place, entry.offset)
    }
    nextChunk += 1
    return true
  }
}
