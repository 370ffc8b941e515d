internal import CCUDADriver

/// A compiled image on the GPU, unloaded when it and all its functions are gone.
@safe public struct CUDAModule: ~Copyable {
  let lifetime: ModuleLifetime

  /// Loads a cubin, a fat binary or PTX; a NUL is put behind PTX where it has none.
  ///
  /// An image for another architecture gives `CUDA_ERROR_NO_BINARY_FOR_GPU`.
  public init(image: [UInt8], in context: borrowing CUDAContext) throws(CUDAError) {
    lifetime = try ModuleLifetime(image, context.lifetime)
  }

  /// A kernel by its entry name.
  public func function(
    _ name: String, signature: KernelSignature
  ) throws(CUDAError) -> CUDAFunction {
    let driver = lifetime.context.driver
    var function: OpaquePointer?
    try driver.check(
      "cuModuleGetFunction",
      unsafe driver.functions.cuModuleGetFunction(&function, lifetime.handle, name))
    return unsafe CUDAFunction(
      lifetime: lifetime,
      handle: try driver.handle(function, from: "cuModuleGetFunction"), name: name,
      signature: signature)
  }
}

/// Unloads a module when its last function is gone.
@safe final class ModuleLifetime {
  let context: ContextLifetime
  let handle: OpaquePointer

  init(_ image: [UInt8], _ context: ContextLifetime) throws(CUDAError) {
    let driver = context.driver
    var terminated = image
    // The driver reads PTX as a C string; ELF images carry their own size, and mind no byte more.
    if terminated.last != 0 { terminated.append(0) }
    var module: OpaquePointer?
    try driver.check(
      "cuModuleLoadData", unsafe driver.functions.cuModuleLoadData(&module, terminated))
    unsafe handle = try driver.handle(module, from: "cuModuleLoadData")
    self.context = context
  }

  deinit {
    context.driver.checkRelease(
      "cuModuleUnload", unsafe context.driver.functions.cuModuleUnload(handle))
  }
}
