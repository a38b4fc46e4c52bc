//! The manifests for Kubernetes.

use std::process::Command;

use serde_json::{Value, json};

use crate::{ROTATE, examples, has};

/// Reads YAML as everybody else does, and writes JSON.
const TO_JSON: &str = "import json, sys, yaml; print(json.dumps([d for f in sys.argv[1:] for d in \
                       yaml.safe_load_all(open(f))]))";

/// The objects in these files. `None` where nothing reads YAML.
fn objects(files: &[&str]) -> Option<Vec<Value>> {
    if !has("python3", &["-c", "import yaml"]) {
        return None;
    }
    let paths = files.iter().map(|file| examples().join("kubernetes").join(file));
    let output = Command::new("python3").args(["-c", TO_JSON]).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == json!(kind)).unwrap()
}

#[test]
fn kubectl_accepts_the_manifests() {
    if !has("kubectl", &["version", "--client"]) {
        return;
    }
    let directory = examples().join("kubernetes");
    let output = Command::new("kubectl").arg("kustomize").arg(directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for kind in ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "CronJob", "Deployment"] {
        assert!(text.contains(&format!("kind: {kind}\n")), "{kind} is not in {text}");
    }
}

#[test]
fn the_job_may_touch_one_secret_and_nothing_else() {
    let Some(objects) = objects(&["rbac.yaml", "cronjob.yaml"]) else { return };
    let rule = json!({
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["app-keys"],
        "verbs": ["get", "update"],
    });
    assert_eq!(of_kind(&objects, "Role")["rules"], json!([rule]));
    let name = json!("app-keys-rotate");
    let binding = of_kind(&objects, "RoleBinding");
    assert_eq!((&binding["roleRef"]["kind"], &binding["roleRef"]["name"]), (&json!("Role"), &name));
    assert_eq!(binding["subjects"], json!([{ "kind": "ServiceAccount", "name": name }]));
    let pod = &of_kind(&objects, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["serviceAccountName"], name);
}

#[test]
fn the_job_rotates_as_the_run_book_does_and_writes_keys_to_memory() {
    let Some(objects) = objects(&["cronjob.yaml"]) else { return };
    let spec = &of_kind(&objects, "CronJob")["spec"];
    assert_eq!(spec["concurrencyPolicy"], json!("Forbid"));
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["restartPolicy"], json!("Never"));
    let args: Vec<_> = ["rotate"].into_iter().chain(ROTATE.split(' ')).collect();
    let container = &pod["containers"][0];
    assert_eq!(container["args"], json!(args));
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], json!(true));
    let work = json!({ "name": "work", "emptyDir": { "medium": "Memory", "sizeLimit": "16Mi" } });
    assert_eq!(pod["volumes"][1], work);
}

#[test]
fn the_service_follows_the_whole_secret() {
    let Some(objects) = objects(&["deployment.yaml", "kustomization.yaml"]) else { return };
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let mount = json!({ "name": "keys", "mountPath": "/keys", "readOnly": true });
    assert_eq!(pod["containers"][0]["volumeMounts"], json!([mount]));
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], json!("app-keys"));
    assert_eq!(pod["automountServiceAccountToken"], json!(false));
    // Whoever applies the files again must not put an old Secret in the place of a new one.
    let resources = of_kind(&objects, "Kustomization")["resources"].as_array().unwrap();
    assert!(resources.iter().all(|file| !file.as_str().unwrap().contains("secret")));
}
