/** A form for a model's parameters, drawn from their JSON Schema: nothing here knows a task. */
import { useId } from 'preact/hooks';
import { formatNumber } from '../format.ts';
import { type Control, matters, type Parameter, parametersOf } from './schema.ts';

interface FormProps {
  readonly schema: Readonly<Record<string, unknown>>;
  /** What was set by hand; all else shows its default. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly onChange: (name: string, value: unknown) => void;
}

export function ParameterForm({ schema, values, onChange }: FormProps) {
  const parameters = parametersOf(schema);
  const effective = {
    ...Object.fromEntries(parameters.map(({ name, fallback }) => [name, fallback])),
    ...values,
  };
  return (
    <div class="fields">
      {parameters
        .filter(({ name }) => matters(name, effective))
        .map((parameter) => (
          <Field
            key={parameter.name}
            parameter={parameter}
            value={effective[parameter.name]}
            onChange={(value) => onChange(parameter.name, value)}
          />
        ))}
    </div>
  );
}

interface FieldProps {
  readonly parameter: Parameter;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function Field({ parameter, value, onChange }: FieldProps) {
  const { name, label, help, control } = parameter;
  const id = useId();
  const helpId = `${id}-help`;
  const note = help !== undefined && (
    <p id={helpId} class="field-help">
      {help}
    </p>
  );
  const described = help === undefined ? {} : { 'aria-describedby': helpId };
  if (control.kind === 'choice' && control.options.length <= 4) {
    return (
      <fieldset class="field" {...described}>
        <legend class="field-label">{label}</legend>
        <div class="segments">
          {control.options.map((option) => (
            <label key={option} class="segment">
              <input
                type="radio"
                name={`${id}-${name}`}
                checked={option === value}
                onChange={() => onChange(option)}
              />
              <span>{wordOf(name, option)}</span>
            </label>
          ))}
        </div>
        {note}
      </fieldset>
    );
  }
  if (control.kind === 'switch') {
    return (
      <div class="field">
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            aria-checked={value === true}
            checked={value === true}
            {...described}
            onChange={({ currentTarget }) => onChange(currentTarget.checked)}
          />
          <span class="field-label">{label}</span>
        </label>
        {note}
      </div>
    );
  }
  return (
    <div class="field">
      <span class="field-head">
        <label class="field-label" for={id}>
          {label}
        </label>
        {control.kind === 'range' && <output for={id}>{formatNumber(Number(value))}</output>}
      </span>
      <Input id={id} control={control} value={value} described={described} onChange={onChange} />
      {note}
    </div>
  );
}

interface InputProps {
  readonly id: string;
  readonly control: Control;
  readonly value: unknown;
  readonly described: { readonly 'aria-describedby'?: string };
  readonly onChange: (value: unknown) => void;
}

function Input({ id, control, value, described, onChange }: InputProps) {
  if (control.kind === 'choice') {
    return (
      <select
        id={id}
        {...described}
        onChange={({ currentTarget }) => onChange(control.options[currentTarget.selectedIndex])}
      >
        {control.options.map((option) => (
          <option key={option} selected={option === value}>
            {option}
          </option>
        ))}
      </select>
    );
  }
  if (control.kind === 'text' || control.kind === 'switch') {
    return (
      <input
        id={id}
        type="text"
        value={String(value ?? '')}
        {...described}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      />
    );
  }
  return (
    <input
      id={id}
      type={control.kind}
      {...(control.minimum === undefined ? {} : { min: control.minimum })}
      {...(control.maximum === undefined ? {} : { max: control.maximum })}
      step={control.step}
      value={Number(value)}
      {...described}
      onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
    />
  );
}

/** A factor reads as one. */
const wordOf = (name: string, option: string | number): string =>
  name.endsWith('_factor')
    ? `×${option}`
    : typeof option === 'string'
      ? option.toUpperCase()
      : String(option);
