import Dispatch
import Glibc

/// A thread of its own for each connection, because each blocks in `read`: a queue would serve no more
/// at once than the machine has cores.
enum ConnectionThread {
  /// Runs `body` on a new thread, which `group` waits for; whether there could be one.
  static func start(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) -> Bool {
    let work = unsafe Unmanaged.passRetained(Work(group: group, body: body))
    var thread = pthread_t()
    group.enter()
    let status = unsafe pthread_create(
      &thread, nil,
      { pointer in
        guard let pointer = unsafe pointer else { return nil }
        let work = unsafe Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
        work.body()
        work.group.leave()
        return nil
      }, unsafe work.toOpaque())
    guard status == 0 else {
      unsafe work.release()
      group.leave()
      return false
    }
    pthread_detach(thread)
    return true
  }

  private final class Work: Sendable {
    let group: DispatchGroup
    let body: @Sendable () -> Void

    init(group: DispatchGroup, body: @escaping @Sendable () -> Void) {
      self.group = group
      self.body = body
    }
  }
}
