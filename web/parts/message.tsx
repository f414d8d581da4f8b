/** Something to tell: an empty list, an error, a job that ended badly; with what can be done about it. */
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

interface MessageProps {
  readonly title: string;
  readonly tone?: 'plain' | 'bad';
  readonly icon?: IconName;
  /** What can be done, as buttons or links. */
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export const Message = ({ title, tone = 'plain', icon = 'picture', actions, children }: MessageProps) => (
  <div class={`message is-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
    <span class="message-icon">
      <Icon name={tone === 'bad' ? 'alert' : icon} />
    </span>
    <h2 class="message-title">{title}</h2>
    <div class="message-text">{children}</div>
    {actions !== undefined && <div class="message-actions">{actions}</div>}
  </div>
);
