internal import CCUDADriver

/// Recorded work of a stream, destroyed with this value.
@safe public struct CUDAGraph: ~Copyable {
  let lifetime: ContextLifetime
  let handle: OpaquePointer

  init(lifetime: ContextLifetime, handle: OpaquePointer) {
    self.lifetime = lifetime
    unsafe self.handle = unsafe handle
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuGraphDestroy", unsafe driver.functions.cuGraphDestroy(handle))
  }

  /// Makes it ready to run and brings it to the GPU, so that its first launch takes no longer than others;
  /// the graph itself is not needed any more.
  public func instantiate(
    on stream: borrowing CUDAStream
  ) throws(CUDAError) -> CUDAExecutableGraph {
    let driver = lifetime.driver
    var executable: OpaquePointer?
    try driver.check(
      "cuGraphInstantiateWithFlags",
      unsafe driver.functions.cuGraphInstantiateWithFlags(&executable, handle, 0))
    let ready = unsafe CUDAExecutableGraph(
      lifetime: lifetime,
      handle: try driver.handle(executable, from: "cuGraphInstantiateWithFlags"))
    try driver.check(
      "cuGraphUpload", unsafe driver.functions.cuGraphUpload(ready.handle, stream.handle))
    return ready
  }
}

/// A graph ready to run, destroyed with this value.
@safe public struct CUDAExecutableGraph: ~Copyable {
  let lifetime: ContextLifetime
  let handle: OpaquePointer

  init(lifetime: ContextLifetime, handle: OpaquePointer) {
    self.lifetime = lifetime
    unsafe self.handle = unsafe handle
  }

  deinit {
    let driver = lifetime.driver
    driver.checkRelease("cuGraphExecDestroy", unsafe driver.functions.cuGraphExecDestroy(handle))
  }

  /// Enqueues all of it at once.
  public func launch(on stream: borrowing CUDAStream) throws(CUDAError) {
    let driver = lifetime.driver
    try driver.check(
      "cuGraphLaunch", unsafe driver.functions.cuGraphLaunch(handle, stream.handle))
  }
}
