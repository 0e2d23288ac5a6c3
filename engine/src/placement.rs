//! Where ONNX Runtime has put a graph's operators.
//!
//! It runs on the CPU, in silence, whatever an execution provider has no kernel for. One product of
//! matrices there, with its copies to and fro, costs more than all that the GPU does.

use std::ffi::{CStr, c_char};
use std::ptr;

use ort::AsPointer;
use ort::session::Session;
use ort::sys::OrtStatusPtr;

/// The session option that makes ONNX Runtime remember its placements.
pub(crate) const RECORD: (&str, &str) = ("session.record_ep_graph_assignment_info", "1");

/// What the CUDA provider leaves to the CPU on purpose: operators that compute shapes, positions and scales from shapes. It
/// has kernels for all of them, so that none is left to the CPU for want of one.
const SHAPE_OPERATORS: [&str; 35] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Div",
    "Equal",
    "Expand",
    "Floor",
    "Gather",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Range",
    "Reshape",
    "Shape",
    "Size",
    "Slice",
    "Squeeze",
    "Sub",
    "Unsqueeze",
    "Where",
];

/// An operator of a graph, and the execution provider that runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) provider: String,
    pub(crate) operator: String,
    pub(crate) name: String,
}

/// The operators that compute vectors, yet were left to the CPU in a session meant for CUDA.
pub(crate) fn strays(placed: &[Placed]) -> Vec<&Placed> {
    let stray = |node: &&Placed| {
        node.provider == "CPUExecutionProvider"
            && !SHAPE_OPERATORS.contains(&node.operator.as_str())
    };
    placed.iter().filter(stray).collect()
}

/// Every operator of a session that was opened with [`RECORD`].
///
/// # Errors
/// ONNX Runtime's message, as of a session opened without it.
pub(crate) fn placed(session: &Session) -> Result<Vec<Placed>, String> {
    let api = ort::api();
    let mut found = Vec::new();
    // SAFETY: `ort` has no safe way to ask. ONNX Runtime 1.24 and later have these functions, which
    // the engine requires on loading. The session lives longer than this call; the arrays and strings
    // returned belong to it, and are copied here.
    unsafe {
        let (mut parts, mut part_count) = (ptr::null(), 0);
        check((api.Session_GetEpGraphAssignmentInfo)(session.ptr(), &mut parts, &mut part_count))?;
        for index in 0..part_count {
            let part = *parts.add(index);
            let mut provider = ptr::null();
            check((api.EpAssignedSubgraph_GetEpName)(part, &mut provider))?;
            let (mut nodes, mut node_count) = (ptr::null(), 0);
            check((api.EpAssignedSubgraph_GetNodes)(part, &mut nodes, &mut node_count))?;
            for index in 0..node_count {
                let node = *nodes.add(index);
                let (mut name, mut operator) = (ptr::null(), ptr::null());
                check((api.EpAssignedNode_GetName)(node, &mut name))?;
                check((api.EpAssignedNode_GetOperatorType)(node, &mut operator))?;
                found.push(Placed {
                    provider: text(provider),
                    operator: text(operator),
                    name: text(name),
                });
            }
        }
    }
    Ok(found)
}

/// Takes over a status: none is success.
///
/// # Safety
/// `status` comes from ONNX Runtime and is used nowhere else.
unsafe fn check(status: OrtStatusPtr) -> Result<(), String> {
    if status.0.is_null() {
        return Ok(());
    }
    let api = ort::api();
    // SAFETY: as promised by the caller; the message is copied before its status is released.
    unsafe {
        let message = text((api.GetErrorMessage)(status.0));
        (api.ReleaseStatus)(status.0);
        Err(message)
    }
}

/// A copy of a C string.
///
/// # Safety
/// `chars` is null or ends with a zero.
unsafe fn text(chars: *const c_char) -> String {
    if chars.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(chars) }.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(provider: &str, operator: &str) -> Placed {
        Placed { provider: provider.into(), operator: operator.into(), name: "n".into() }
    }

    #[test]
    fn only_what_computes_vectors_must_not_be_on_the_cpu() {
        let placed = [
            node("CPUExecutionProvider", "Shape"),
            node("CUDAExecutionProvider", "MatMul"),
            node("CPUExecutionProvider", "MatMul"),
        ];
        assert_eq!(strays(&placed), [&placed[2]]);
    }
}
