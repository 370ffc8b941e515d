import Glibc
import KernelImages
import Testing

/// A folder of kernels built for sm_90 and a model of 128-wide heads, where the caller names one.
private var builtKernels: String? {
  unsafe getenv("REPRISE_BUILT_KERNELS").map { unsafe String(cString: $0) }
}

@Suite("Kernels as the compiler has built them")
struct BuiltKernelsTests {
  @Test(
    "a real build is read, and every cubin is an ELF file",
    .enabled(if: builtKernels != nil, "REPRISE_BUILT_KERNELS names no build for sm_90"))
  func reads() throws {
    let folder = try #require(builtKernels)
    let manifest = try KernelManifest(directory: folder, architecture: "sm_90")
    let shape = KernelShape(headSize: 128, ratio: 4, blockSize: 16)
    for variant in manifest.variants(for: shape) {
      for launch in try manifest.program(variant, shape: shape).launches {
        #expect(try KernelManifest.cubin(of: launch.image).starts(with: [0x7F, 0x45, 0x4C, 0x46]))
        #expect(launch.image.threads == 32 * launch.image.warps)
      }
    }
    #expect(manifest.variants(for: shape).contains("triton-2d"))
  }
}
