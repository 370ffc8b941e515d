import CUDADriver
import ClientLogs
import ConfigurationFiles
import GPUMeasurement
import KernelImages
import KernelSelection
import MachineProfiles
import MeasurementStore
import StepTiming
import TraceFile
import TraceImport
import TraceModel

// Every module's error already carries what, where and what to do.
extension TraceFileError: OneLineError {}
extension TraceImportError: OneLineError {}
extension WorkloadSelectionError: OneLineError {}
extension ClientLogError: OneLineError {}
extension ConfigurationError: OneLineError {}
extension MachineProfileError: OneLineError {}
extension SelectionError: OneLineError {}
extension CUDAError: OneLineError {}
extension KernelImageError: OneLineError {}
extension MeasurementStoreError: OneLineError {}
extension GPUMeasurementError: OneLineError {}

extension TimingError: OneLineError {
  /// What is missing, and what to do about it.
  var message: String {
    switch self {
    case .variantWithoutTiming(let variant, let available):
      "no times for kernel variant '\(variant)' (known: \(available.joined(separator: ", "))); "
        + "measure it and fit a profile with 'reprise calibrate'"
    case .batchWithoutTiming(let variant, let batch):
      "kernel variant '\(variant)' has no times for a batch of \(batch); "
        + "leave the policy out or choose one that falls back"
    case .execution(let line): line
    case .modelWithoutProfile(let model, let available):
      "the profile knows no model '\(model)' (known: \(available.joined(separator: ", "))); "
        + "fit one with 'reprise calibrate' or name another --engine"
    }
  }
}
