internal import CCUDADriver
public import TraceModel

/// A kernel of a loaded module, which it keeps loaded until the end of the scope that owns it.
@safe public struct CUDAFunction: ~Copyable {
  let lifetime: ModuleLifetime
  let handle: OpaquePointer
  /// Its entry name in the image.
  public let name: String
  /// What it takes.
  public let signature: KernelSignature

  private var driver: CUDADriver { lifetime.context.driver }

  init(
    lifetime: ModuleLifetime, handle: OpaquePointer, name: String, signature: KernelSignature
  ) {
    self.lifetime = lifetime
    unsafe self.handle = unsafe handle
    self.name = name
    self.signature = signature
  }

  // Without it, the last use would end its lifetime, and a module might be unloaded under its work.
  deinit { withExtendedLifetime(lifetime) {} }

  /// One of its attributes, in the attribute's own unit.
  public func value(of attribute: Attribute) throws(CUDAError) -> Int {
    var value: Int32 = 0
    try driver.check(
      "cuFuncGetAttribute",
      unsafe driver.functions.cuFuncGetAttribute(&value, attribute.rawValue, handle))
    return Int(value)
  }

  /// Allows launches with so much dynamic shared memory; needed past 48 KiB.
  public func allowDynamicSharedMemory(_ size: ByteCount) throws(CUDAError) {
    try driver.check(
      "cuFuncSetAttribute",
      unsafe driver.functions.cuFuncSetAttribute(
        handle, Attribute.dynamicSharedMemoryMax.rawValue,
        Int32(clamping: size.rawValue)))
  }

  /// What a kernel can be asked, numbered as in `CUfunction_attribute`.
  public enum Attribute: Int32, Sendable, CaseIterable {
    /// The most threads that a CTA may have.
    case threadsPerCTAMax = 0
    /// Static shared memory, in bytes.
    case sharedMemory = 1
    /// Local memory of a thread, in bytes: spilled registers.
    case localMemory = 3
    /// Registers of a thread.
    case registers = 4
    /// The architecture that it was compiled for, such as 90.
    case binaryVersion = 6
    /// The most dynamic shared memory that a launch may ask for, in bytes.
    case dynamicSharedMemoryMax = 8
  }

  /// Enqueues one launch.
  ///
  /// Throws `argument` where arguments are missing. What a kernel does wrong shows when the stream is
  /// next waited for.
  public func launch(
    _ shape: LaunchShape, _ arguments: inout KernelArguments, on stream: borrowing CUDAStream
  ) throws(CUDAError) {
    let driver = self.driver
    try arguments.checkComplete(for: signature, driver)
    let result = unsafe arguments.withAddresses { addresses in
      unsafe driver.functions.cuLaunchKernel(
        handle, shape.grid.x, shape.grid.y, shape.grid.z, shape.threads, 1, 1,
        UInt32(clamping: shape.dynamicSharedMemory.rawValue), stream.handle, addresses, nil)
    }
    try driver.check("cuLaunchKernel", result)
  }
}

/// How many CTAs a launch has, of how many threads, with how much dynamic shared memory each.
public struct LaunchShape: Hashable, Sendable {
  /// CTAs in three directions.
  public struct Grid: Hashable, Sendable {
    /// CTAs in the fastest direction.
    public var x: UInt32
    /// CTAs in the second direction.
    public var y: UInt32
    /// CTAs in the slowest direction.
    public var z: UInt32

    /// A grid; each direction has at least one CTA.
    public init(_ x: UInt32, _ y: UInt32 = 1, _ z: UInt32 = 1) {
      self.x = x
      self.y = y
      self.z = z
    }
  }

  /// The CTAs.
  public var grid: Grid
  /// Threads of a CTA: 32 times the warps of a Triton kernel.
  public var threads: UInt32
  /// Dynamic shared memory of a CTA.
  public var dynamicSharedMemory: ByteCount

  /// A launch.
  public init(grid: Grid, threads: UInt32, dynamicSharedMemory: ByteCount = ByteCount(0)) {
    self.grid = grid
    self.threads = threads
    self.dynamicSharedMemory = dynamicSharedMemory
  }
}
