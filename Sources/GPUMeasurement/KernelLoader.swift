internal import CUDADriver
internal import KernelImages
internal import TraceModel

/// Loads compiled kernels when they are first launched, each once.
final class KernelLoader {
  private let cubin: (KernelImage) throws(KernelImageError) -> [UInt8]
  private var kernels: [String: LoadedKernel] = [:]

  init(_ cubin: @escaping (KernelImage) throws(KernelImageError) -> [UInt8]) {
    self.cubin = cubin
  }

  /// The kernels of a program, in the order of its launches.
  func kernels(
    of program: KernelProgram, in context: borrowing CUDAContext
  ) throws(GPUMeasurementError) -> [LoadedKernel] {
    var loaded: [LoadedKernel] = []
    for launch in program.launches {
      if let known = kernels[launch.image.key] {
        loaded.append(known)
        continue
      }
      let bytes: [UInt8]
      do { bytes = try cubin(launch.image) } catch { throw .image(error) }
      do throws(CUDAError) {
        try context.makeCurrent()
        let kernel = try context.driver.labelled("kernel '\(program.variant)'") {
          () throws(CUDAError) in try LoadedKernel(launch, cubin: bytes, in: context)
        }
        kernels[launch.image.key] = kernel
        loaded.append(kernel)
      } catch { throw .cuda(error) }
    }
    return loaded
  }
}
