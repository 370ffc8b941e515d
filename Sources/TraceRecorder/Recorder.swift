internal import Glibc
internal import Synchronization
internal import TraceModel

/// A recorder: a ring, the lock of its producers, and the thread that writes.
final class Recorder: Sendable {
  let shared: RecorderShared
  let intake: Mutex<RecorderIntake>
  private let thread: Mutex<pthread_t>
  /// The count of forks when it was opened: in a child it is another, and the thread is not there.
  private let forks: Int

  /// Creates the first file and starts the thread.
  init(options: [UInt8], header: [UInt8]) throws(RecorderError) {
    let parsed = try RecorderOptions(json: options)
    var members = try RecorderOptions.members(of: header, called: "header")
    members.removeAll { $0.key == "kind" }
    ForkCount.watch()
    forks = ForkCount.current
    let shared = RecorderShared(options: parsed, header: TraceHeader(members: members))
    self.shared = shared
    intake = Mutex(RecorderIntake(ring: shared.ring))
    thread = Mutex(try WritingThread.start(shared))
    if let error = shared.awaitBeginning() {
      WritingThread.join(thread.withLock { $0 })
      throw RecorderError(error)
    }
  }

  /// Whether this process is the one that opened the recorder.
  var isOurs: Bool { forks == ForkCount.current }

  /// Writes everything and ends the thread.
  func close() {
    shared.close(dropped: intake.withLock { $0.dropped })
    WritingThread.join(thread.withLock { $0 })
  }
}

/// How often this process, or an ancestor with the library, has forked off the present one.
enum ForkCount {
  private static let count = Atomic<Int>(0)
  /// Registers the handler once.
  private static let handler: Int32 = pthread_atfork(nil, nil) {
    count.add(1, ordering: .relaxed)
  }

  static func watch() { _ = handler }
  static var current: Int { count.load(ordering: .relaxed) }
}

/// The thread that writes: with all signals blocked, so that the engine's handlers run elsewhere and a
/// file's size limit is an error of `write` rather than the end of the process.
enum WritingThread {
  private static let stackBytes = 1 << 20
  private static let niceness: Int32 = 5

  static func start(_ shared: RecorderShared) throws(RecorderError) -> pthread_t {
    var attributes = pthread_attr_t()
    unsafe pthread_attr_init(&attributes)
    unsafe pthread_attr_setstacksize(&attributes, stackBytes)
    var all = sigset_t()
    var before = sigset_t()
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    var thread = pthread_t()
    let argument = unsafe Unmanaged.passRetained(shared).toOpaque()
    let status = unsafe pthread_create(&thread, &attributes, Self.body, argument)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    unsafe pthread_attr_destroy(&attributes)
    guard status == 0 else {
      unsafe Unmanaged<RecorderShared>.fromOpaque(argument).release()
      throw RecorderError("no thread for the recorder: \(unsafe String(cString: strerror(status)))")
    }
    return thread
  }

  static func join(_ thread: pthread_t) { _ = pthread_join(thread, nil) }

  private static let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { argument in
      // On Linux a thread has its own; the engine's threads come first.
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
      guard let argument = unsafe argument else { return nil }
      let shared = unsafe Unmanaged<RecorderShared>.fromOpaque(argument).takeRetainedValue()
      var loop = RecordingLoop(shared: shared)
      loop.run()
      return nil
    }
}
