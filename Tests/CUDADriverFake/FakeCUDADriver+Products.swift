public import CUDADriver

// cuBLAS on the same pretended GPU: its calls stand among the driver's.
extension FakeCUDADriver {
  /// A table that plays cuBLAS; each product costs `kernelMicroseconds`.
  public func cuBLAS() -> CUBLASFunctions {
    unsafe CUBLASFunctions(
      create: { [self] in
        let made = call("cublasCreate_v2") { "" }
        return made == 0 ? unsafe OpaquePointer(bitPattern: 7) : nil
      },
      destroy: { [self] _ in call("cublasDestroy_v2") { "" } },
      setStream: { [self] _, _ in call("cublasSetStream_v2") { "" } },
      setWorkspace: { [self] _, _, bytes in
        call("cublasSetWorkspace_v2", "\(bytes) bytes") { "" }
      },
      multiply: { [self] _, product in
        call("cublasGemmEx", "\(product.rows) × \(product.inner) × \(product.columns)") {
          busyMicroseconds += kernelMicroseconds
          return ""
        }
      })
  }
}
