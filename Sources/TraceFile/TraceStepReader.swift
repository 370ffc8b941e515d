public import TraceModel

/// Steps of a trace, one chunk in memory at a time.
public struct TraceStepReader: StepSequence {
  private let trace: TraceReader
  private let requests: [TraceRequest]
  private let chunks: [(place: Int, entry: TraceIndex.Entry)]
  private var nextChunk = 0
  private var decoder: StepDecoder?
  /// Only steps scheduled in here are given.
  var window: Range<Nanoseconds>?

  init(
    trace: TraceReader, chunks: [(place: Int, entry: TraceIndex.Entry)]
  ) throws(TraceFileError) {
    self.trace = trace
    self.chunks = chunks
    requests = try trace.requests()
  }

  /// Overwrites `step` with the next one, reusing its storage; `false` at the end.
  public mutating func next(into step: inout TraceStep) throws(TraceFileError) -> Bool {
    while true {
      guard try advance(into: &step) else { return false }
      guard let window else { return true }
      if step.scheduleStart >= window.upperBound { return false }
      if step.scheduleStart >= window.lowerBound { return true }
    }
  }

  private mutating func advance(into step: inout TraceStep) throws(TraceFileError) -> Bool {
    while true {
      if decoder != nil {
        do throws(Corruption) {
          if let found = try decoder?.next(into: &step), found { return true }
        } catch {
          let chunk = chunks[nextChunk - 1]
          throw trace.chunks.corrupt(error.what, chunk.place, chunk.entry.offset)
        }
        decoder = nil
      }
      guard nextChunk < chunks.count else { return false }
      let chunk = chunks[nextChunk]
      nextChunk += 1
      let requests = requests
      decoder = try trace.chunks.decode(chunk.place, chunk.entry) { content throws(Corruption) in
        try StepDecoder(content: content, stepCount: chunk.entry.itemCount, requests: requests)
      }
    }
  }

  /// Moves to a step by its place among all, counted from 0; chunks before it are not read.
  mutating func skip(to place: Int) throws(TraceFileError) {
    nextChunk =
      chunks.firstIndex { place < $0.entry.firstItem + $0.entry.itemCount }
      ?? chunks.count
    guard nextChunk < chunks.count else { return }
    var step = TraceStep()
    for _ in 0..<max(0, place - chunks[nextChunk].entry.firstItem) {
      guard try advance(into: &step) else { return }
    }
  }
}
