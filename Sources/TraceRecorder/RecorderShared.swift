internal import Glibc
internal import Synchronization
internal import TraceFile
internal import TraceModel

/// What the engine's threads and the writing one have in common.
final class RecorderShared: Sendable {
  let options: RecorderOptions
  let header: TraceHeader
  let ring: RecordRing
  private let report = Mutex(RecorderReport())
  /// Why the first file could not be begun, once `beginState` says that it was tried.
  private let beginError = Mutex<TraceFileError?>(nil)
  private let beginState = Atomic<Int>(0)
  private let closing = Atomic<Bool>(false)
  private let dropped = Atomic<UInt64>(0)
  private let wanted = Atomic<Int>(0)
  private let done = Atomic<Int>(0)
  private let failed = Atomic<Int>(0)

  init(options: RecorderOptions, header: TraceHeader) {
    self.options = options
    self.header = header
    ring = RecordRing(byteCount: Int(options.ringBytes))
  }

  // MARK: The writing thread's side

  func begin(with error: TraceFileError?) {
    beginError.withLock { $0 = error }
    beginState.store(error == nil ? 1 : 2, ordering: .releasing)
  }

  var isClosing: Bool { closing.load(ordering: .acquiring) }
  /// Steps dropped behind the last one in the ring; valid once the recorder is closing.
  var droppedAtEnd: UInt64 { dropped.load(ordering: .acquiring) }
  var flushesWanted: Int { wanted.load(ordering: .acquiring) }
  var flushesDone: Int { done.load(ordering: .acquiring) }
  func noteFlushes(upTo count: Int, wentWell: Bool) {
    if !wentWell { failed.store(count, ordering: .relaxed) }
    done.store(count, ordering: .releasing)
  }
  func publish(_ new: RecorderReport) { report.withLock { $0 = new } }

  // MARK: The other side

  /// Waits until the first file is begun; why it could not be, if so.
  func awaitBeginning() -> TraceFileError? {
    while beginState.load(ordering: .acquiring) == 0 { usleep(200) }
    return beginError.withLock { $0 }
  }

  var currentReport: RecorderReport { report.withLock { $0 } }

  /// Asks the thread to write everything and end.
  func close(dropped count: UInt64) {
    dropped.store(count, ordering: .releasing)
    closing.store(true, ordering: .releasing)
  }

  /// Asks for whole chunks of all that was passed in and waits; whether it was done in time.
  func flush(milliseconds: Int64) -> Bool {
    let number = wanted.add(1, ordering: .acquiringAndReleasing).newValue
    for _ in 0..<max(1, milliseconds) {
      if flushesDone >= number { break }
      usleep(1000)
    }
    return flushesDone >= number && failed.load(ordering: .relaxed) < number
  }
}
