/** The page starts here. */
import { render } from 'preact';
import { App } from './app.tsx';
import { loadSettings } from './state/settings.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/new.css';
import './styles/viewer.css';
import './styles/jobs.css';
import './styles/operations.css';

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
void loadSettings();
