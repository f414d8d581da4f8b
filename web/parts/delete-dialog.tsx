/** Deleting is for good, so it is asked about. */
import { Dialog } from './dialog.tsx';

interface DeleteProps {
  readonly name: string;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

export const DeleteDialog = ({ name, onDelete, onClose }: DeleteProps) => (
  <Dialog title={`Delete ${name}?`} onClose={onClose}>
    <p>The picture, its results and the job itself are erased. An open job is canceled first.</p>
    <div class="dialog-actions">
      <button type="button" class="button" onClick={onClose}>
        Keep it
      </button>
      <button
        type="button"
        class="button is-danger"
        onClick={() => {
          onClose();
          onDelete();
        }}
      >
        Delete
      </button>
    </div>
  </Dialog>
);
