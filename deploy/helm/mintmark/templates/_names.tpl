{{- define "mintmark.labels" -}}
app.kubernetes.io/name: mintmark
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "mintmark.selector" -}}
app.kubernetes.io/name: mintmark
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "mintmark.image" -}}
{{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
{{- end }}

{{/* What a pod and its container must not be able to do. */}}
{{- define "mintmark.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "mintmark.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "mintmark.mounts" -}}
- {name: configuration, mountPath: /etc/mintmark, readOnly: true}
- {name: secrets, mountPath: /run/secrets, readOnly: true}
- {name: scratch, mountPath: /tmp}
{{- end }}

{{- define "mintmark.volumes" -}}
- name: configuration
  configMap: {name: {{ .Release.Name }}-mintmark}
- name: secrets
  secret:
    secretName: {{ .Values.secretName | quote }}
    defaultMode: 0440
    items:
      - {key: key_encryption_key, path: key_encryption_key}
      - {key: postgres_password, path: postgres_password}
      {{- if .Values.valkeyPassword }}
      - {key: valkey_password, path: valkey_password}
      {{- end }}
- name: scratch
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}
